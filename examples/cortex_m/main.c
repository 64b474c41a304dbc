/* The program of ../c_stream on a microcontroller, without an operating system or a library. SPDX-License-Identifier:
 * Apache-2.0 WITH LLVM-exception
 */
#include "board.h"
#include "decide.h"

static void print_number(int number) {
  char digits[11];
  char *digit = digits + sizeof(digits) - 1;
  *digit = 0;
  do {
    *--digit = (char)('0' + number % 10);
    number /= 10;
  } while (number);
  board_print(digit);
}

int main(void) {
  static const char *const names[MOTIONS] = {"to the right", "to the left", "still"};
  enum { PASSAGES = 12 };
  uint64_t random = 2026;
  int number, right = 0;
  for (number = 1; number <= PASSAGES; ++number) {
    passage seen = random_passage(&random);
    int counts[MOTIONS];
    const int decision = decide(&seen, &random, counts);
    if (decision < 0)
      return 1;
    right += decision == seen.motion;
    board_print("passage ");
    print_number(number);
    board_print(": ");
    board_print(names[decision]);
    board_print(", was ");
    board_print(names[seen.motion]);
    board_print("\n");
  }
  print_number(right);
  board_print(" of 12 right; arena ");
  print_number((int)decide_arena_bytes());
  board_print(" bytes, stream ");
  print_number((int)decide_stream_bytes());
  board_print("\n");
  return 0;
}
