/* See board.h. What runs before main(), and semihosting: a breakpoint with a number in r0 asks the debugger, or the
 * emulator, for something (Arm, "Semihosting for AArch32 and AArch64"). SPDX-License-Identifier: Apache-2.0 WITH
 * LLVM-exception
 */
#include "board.h"

#include <stddef.h>
#include <stdint.h>

enum { WRITE_STRING = 0x04, EXIT = 0x20, APPLICATION_EXIT = 0x20026 };

static void ask(uint32_t what, const void *argument) {
  register uint32_t r0 __asm__("r0") = what;
  register const void *r1 __asm__("r1") = argument;
  __asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
}

void board_print(const char *text) { ask(WRITE_STRING, text); }

void board_exit(int code) {
  uint32_t block[2];
  block[0] = APPLICATION_EXIT;
  block[1] = (uint32_t)code;
  ask(EXIT, block);
  for (;;)
    ;
}

/* Addresses from link.ld. */
extern uint32_t stack_top[], data_start[], data_end[], data_source[], bss_start[], bss_end[];
int main(void);

void reset(void) {
  uint32_t *to;
  const uint32_t *from = data_source;
  volatile uint32_t *const coprocessors = (volatile uint32_t *)0xe000ed88u; /* CPACR */
  *coprocessors |= 0xfu << 20;                                              /* the floating-point unit */
  __asm__ volatile("dsb\n\tisb" ::: "memory");
  for (to = data_start; (uintptr_t)to < (uintptr_t)data_end; ++to)
    *to = *from++;
  for (to = bss_start; (uintptr_t)to < (uintptr_t)bss_end; ++to)
    *to = 0;
  board_exit(main());
}

static void fault(void) {
  board_print("fault\n");
  board_exit(1);
}

/* The stack's end, and what the processor calls: reset, then faults. */
typedef void (*handler)(void);
__attribute__((section(".vectors"), used)) static const struct {
  uint32_t *stack;
  handler handlers[6];
} vectors = {stack_top, {reset, fault, fault, fault, fault, fault}};

/* Compilers call these for structs and arrays. Generated code of snnc does not need them. */
void *memset(void *to, int value, size_t count);
void *memcpy(void *to, const void *from, size_t count);

void *memset(void *to, int value, size_t count) {
  volatile unsigned char *byte = to; /* volatile: else this becomes a call of itself */
  while (count--)
    *byte++ = (unsigned char)value;
  return to;
}

void *memcpy(void *to, const void *from, size_t count) {
  volatile unsigned char *byte = to;
  const unsigned char *source = from;
  while (count--)
    *byte++ = *source++;
  return to;
}
