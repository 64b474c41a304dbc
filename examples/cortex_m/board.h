/* A board with a Cortex-M4F and a debugger that prints for it: Arm's MPS2 with the image AN386, which qemu-system-arm
 * emulates. For another board, other addresses in link.ld and another way to print. SPDX-License-Identifier: Apache-2.0
 * WITH LLVM-exception
 */
#ifndef SNN_EXAMPLES_CORTEX_M_BOARD_H
#define SNN_EXAMPLES_CORTEX_M_BOARD_H

void board_print(const char *text);
void board_exit(int code);

#endif /* SNN_EXAMPLES_CORTEX_M_BOARD_H */
