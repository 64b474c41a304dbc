/* Says which of its targets a model takes that is linked into the program.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 */
#include "model.h"

#include <stdio.h>

int main(void) {
  const snn_model_table *table = each_kind_snn_query(SNN_ABI_VERSION);
  printf("%s\n", table ? table->target : "no table");
  return table && each_kind_snn_query(SNN_ABI_VERSION + 1) ? 1 : 0;
}
