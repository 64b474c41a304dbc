// A stack machine over the opcodes of pickletools that data needs.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "frontends/torch/Pickle.h"
#include "runtime/data/Errors.h"

#include <algorithm>
#include <bit>
#include <fmt/format.h>
#include <map>
#include <string_view>

using namespace snn;
using namespace snn::torch;

namespace {

using Kind = Object::Kind;

/// All that may be named: they stand for data, and are told apart by their names.
constexpr std::string_view knownGlobals[] = {
    "collections.OrderedDict",
    "torch._utils._rebuild_tensor_v2",
    "torch._utils._rebuild_parameter",
    "torch.FloatStorage",
    "torch.DoubleStorage",
    "torch.HalfStorage",
    "torch.BFloat16Storage",
    "torch.LongStorage",
    "torch.IntStorage",
    "torch.ShortStorage",
    "torch.CharStorage",
    "torch.ByteStorage",
    "torch.BoolStorage",
    "torch.Size",
};

/// What a file of some bytes may make of itself: objects, each of which takes more memory than its opcode, and what is
/// copied from one object into others. PyTorch's tensors have at most 64 extents, and its storages are called by
/// numbers.
constexpr size_t mostObjects = size_t(1) << 21, mostExtents = 64, mostKeyBytes = 64;

class Machine {
public:
  Machine(std::span<const std::byte> bytes, const std::string &path) : bytes(bytes), path(path) {}

  Pickle run();

private:
  [[noreturn]] void fail(const std::string &what) const {
    throw DataError(fmt::format("{}: its pickle, at byte {}: {}", path, begin, what));
  }

  uint64_t number(unsigned count) {
    if (count > bytes.size() - at)
      fail("it is cut short");
    uint64_t value = 0;
    for (unsigned i = 0; i < count; ++i)
      value |= uint64_t(bytes[at + i]) << 8 * i;
    at += count;
    return value;
  }
  std::string text(uint64_t count) {
    if (count > bytes.size() - at)
      fail("it is cut short");
    const auto *start = reinterpret_cast<const char *>(bytes.data() + at);
    at += count;
    return std::string(start, count);
  }
  std::string line() {
    std::string result;
    for (char letter; (letter = char(number(1))) != '\n';)
      result += letter;
    return result;
  }

  void push(Object *object) { stack.push_back(object); }
  Object &push(Kind kind) {
    if (pickle.objects.size() >= mostObjects)
      fail(fmt::format("it has more than {} objects", mostObjects));
    pickle.objects.emplace_back();
    push(&pickle.objects.back());
    stack.back()->kind = kind;
    return *stack.back();
  }
  Object *pop() {
    if (stack.empty() || stack.back()->kind == Kind::Mark)
      fail("an opcode finds nothing on the stack");
    Object *top = stack.back();
    stack.pop_back();
    return top;
  }
  Object &top(Kind kind) {
    if (stack.empty() || stack.back()->kind != kind)
      fail("an opcode finds something else on the stack than it works on");
    return *stack.back();
  }
  std::vector<Object *> popToMark() {
    const auto mark = std::find_if(stack.rbegin(), stack.rend(), [](const Object *o) { return o->kind == Kind::Mark; });
    if (mark == stack.rend())
      fail("an opcode finds no mark on the stack");
    std::vector<Object *> result(mark.base(), stack.end());
    stack.erase(mark.base() - 1, stack.end());
    return result;
  }
  void pushTuple(size_t count) {
    std::vector<const Object *> elements(count);
    for (size_t i = count; i-- > 0;)
      elements[i] = pop();
    push(Kind::Sequence).elements = std::move(elements);
  }
  void remember(uint64_t place) {
    if (stack.empty())
      fail("an opcode finds nothing on the stack");
    memo[place] = stack.back();
  }
  void recall(uint64_t place) {
    const auto found = memo.find(place);
    if (found == memo.end())
      fail(fmt::format("object {} is taken before it is there", place));
    push(found->second);
  }

  void setItems(const std::vector<Object *> &items);
  void pushGlobal(const std::string &module, const std::string &name);
  void pushStorage();
  void reduce();
  void rebuildTensor(const std::vector<const Object *> &arguments);
  void build();
  int64_t integer(const Object *object, int64_t least) const;
  std::vector<int64_t> integers(const Object *object) const;
  bool step(unsigned opcode);
  bool stepNumber(unsigned opcode);
  bool stepContainer(unsigned opcode);

  std::span<const std::byte> bytes;
  const std::string &path;
  uint64_t at = 0, begin = 0; ///< where the next byte is read, and where the opcode stood
  Pickle pickle;
  std::vector<Object *> stack;
  std::map<uint64_t, Object *> memo;
};

void Machine::setItems(const std::vector<Object *> &items) {
  if (items.size() % 2 != 0)
    fail("a key has no value");
  Object &dictionary = top(Kind::Dictionary);
  for (size_t i = 0; i < items.size(); i += 2)
    dictionary.entries.emplace_back(items[i], items[i + 1]);
}

void Machine::pushGlobal(const std::string &module, const std::string &name) {
  const std::string full = module + "." + name;
  if (full.starts_with("torch.") && full.ends_with("Storage") && std::ranges::count(knownGlobals, full) == 0)
    fail(fmt::format("it has elements of '{}', which safetensors files of snnc do not have", full.substr(0, 100)));
  if (std::ranges::count(knownGlobals, full) == 0)
    fail(fmt::format(
        "it names '{}', which is no tensor, and nothing that a file names is run; save what has only tensors, "
        "as torch.save(model.state_dict(), ...) does",
        full.substr(0, 100)));
  push(Kind::Global).text = full;
}

/// ('storage', torch.FloatStorage, '0', 'cpu', 6): the elements are another member of the archive.
void Machine::pushStorage() {
  const Object *id = pop();
  const auto &parts = id->elements;
  if (id->kind != Kind::Sequence || parts.size() != 5 || parts[0]->kind != Kind::Text || parts[0]->text != "storage" ||
      parts[1]->kind != Kind::Global || !parts[1]->text.ends_with("Storage") || parts[2]->kind != Kind::Text)
    fail("what is kept outside of it is no storage");
  if (parts[2]->text.size() > mostKeyBytes)
    fail(fmt::format("the name of a storage has {} bytes, at most {} are taken", parts[2]->text.size(), mostKeyBytes));
  const int64_t elements = integer(parts[4], 0);
  TensorView &tensor = push(Kind::Storage).tensor;
  tensor.storageType = parts[1]->text;
  tensor.storageKey = parts[2]->text;
  tensor.storageElements = elements;
}

int64_t Machine::integer(const Object *object, int64_t least) const {
  if (object->kind != Kind::Integer || object->integer < least)
    fail(fmt::format("expected a whole number of at least {}", least));
  return object->integer;
}

std::vector<int64_t> Machine::integers(const Object *object) const {
  if (object->kind != Kind::Sequence)
    fail("expected a tuple of numbers");
  if (object->elements.size() > mostExtents)
    fail(fmt::format("a tensor has {} extents, at most {} are taken", object->elements.size(), mostExtents));
  std::vector<int64_t> result;
  for (const Object *element : object->elements)
    result.push_back(integer(element, 0));
  return result;
}

/// (storage, offset, extents, strides, requires_grad, hooks), and if there is something of it a dictionary of what else
/// changes the numbers: `neg`, of a view with the other sign.
void Machine::rebuildTensor(const std::vector<const Object *> &arguments) {
  if (arguments.size() < 4 || arguments[0]->kind != Kind::Storage)
    fail("a tensor is not made of a storage, an offset, extents and strides");
  if (arguments.size() > 6 && (arguments[6]->kind != Kind::Dictionary || !arguments[6]->entries.empty()))
    fail("a tensor is not its elements as they are stored, but a view of them with the other sign; save .resolve_neg() "
         "of it");
  TensorView tensor = arguments[0]->tensor;
  tensor.offset = integer(arguments[1], 0);
  tensor.shape = integers(arguments[2]);
  tensor.strides = integers(arguments[3]);
  if (tensor.shape.size() != tensor.strides.size())
    fail(fmt::format("a tensor has {} extents and {} strides", tensor.shape.size(), tensor.strides.size()));
  push(Kind::Tensor).tensor = std::move(tensor);
}

void Machine::reduce() {
  const Object *arguments = pop(), *function = pop();
  if (function->kind != Kind::Global || arguments->kind != Kind::Sequence)
    fail("it calls what is not named");
  if (function->text == "torch._utils._rebuild_tensor_v2")
    return rebuildTensor(arguments->elements);
  if (function->text == "torch._utils._rebuild_parameter" && !arguments->elements.empty() &&
      arguments->elements[0]->kind == Kind::Tensor) {
    push(Kind::Tensor).tensor = arguments->elements[0]->tensor;
    return;
  }
  if (function->text == "collections.OrderedDict" && arguments->elements.empty()) {
    push(Kind::Dictionary);
    return;
  }
  if (function->text == "torch.Size" && arguments->elements.size() == 1) {
    integers(arguments->elements[0]); // so few that they may be copied
    push(Kind::Sequence).elements = arguments->elements[0]->elements;
    return;
  }
  fail(fmt::format("'{}' is called with other arguments than torch.save writes", function->text));
}

/// Attributes of an object. A state_dict has one, the versions of its modules, which no tensor depends on.
void Machine::build() {
  pop();
  top(Kind::Dictionary);
}

bool Machine::stepNumber(unsigned opcode) {
  switch (opcode) {
  case 'N': // NONE
    push(Kind::None);
    return true;
  case 0x88: // NEWTRUE
  case 0x89: // NEWFALSE
    push(Kind::Boolean).integer = opcode == 0x88;
    return true;
  case 'J': // BININT
    push(Kind::Integer).integer = int32_t(number(4));
    return true;
  case 'K': // BININT1
    push(Kind::Integer).integer = int64_t(number(1));
    return true;
  case 'M': // BININT2
    push(Kind::Integer).integer = int64_t(number(2));
    return true;
  case 0x8a: { // LONG1
    const unsigned count = unsigned(number(1));
    if (count > 8) { // a seed, but no extent: what it is does not matter
      text(count);
      push(Kind::Real);
      return true;
    }
    const uint64_t value = number(count);
    push(Kind::Integer).integer = count == 0 ? 0 : int64_t(value << (64 - 8 * count)) >> (64 - 8 * count);
    return true;
  }
  case 'G': // BINFLOAT, the only number with its high byte first
    push(Kind::Real).real = std::bit_cast<double>(__builtin_bswap64(number(8)));
    return true;
  case 'X': // BINUNICODE
  case 'T': // BINSTRING
    push(Kind::Text).text = text(number(4));
    return true;
  case 0x8c: // SHORT_BINUNICODE
  case 'U':  // SHORT_BINSTRING
    push(Kind::Text).text = text(number(1));
    return true;
  case 0x8d: // BINUNICODE8
    push(Kind::Text).text = text(number(8));
    return true;
  default:
    return false;
  }
}

bool Machine::stepContainer(unsigned opcode) {
  switch (opcode) {
  case '(': // MARK
    push(Kind::Mark);
    return true;
  case ')': // EMPTY_TUPLE
  case ']': // EMPTY_LIST
    push(Kind::Sequence);
    return true;
  case '}': // EMPTY_DICT
    push(Kind::Dictionary);
    return true;
  case 't': { // TUPLE
    const std::vector<Object *> elements = popToMark();
    push(Kind::Sequence).elements.assign(elements.begin(), elements.end());
    return true;
  }
  case 0x85: // TUPLE1, TUPLE2, TUPLE3
  case 0x86:
  case 0x87:
    pushTuple(opcode - 0x84);
    return true;
  case 'a': { // APPEND
    const Object *element = pop();
    top(Kind::Sequence).elements.push_back(element);
    return true;
  }
  case 'e': { // APPENDS
    const std::vector<Object *> elements = popToMark();
    auto &list = top(Kind::Sequence).elements;
    list.insert(list.end(), elements.begin(), elements.end());
    return true;
  }
  case 's': { // SETITEM
    Object *value = pop(), *key = pop();
    setItems({key, value});
    return true;
  }
  case 'u': // SETITEMS
    setItems(popToMark());
    return true;
  case '0': // POP
    pop();
    return true;
  default:
    return false;
  }
}

/// False at the end.
bool Machine::step(unsigned opcode) {
  if (stepNumber(opcode) || stepContainer(opcode))
    return true;
  switch (opcode) {
  case 0x80: // PROTO
    if (const uint64_t protocol = number(1); protocol < 2 || protocol > 5)
      fail(fmt::format("it is of protocol {}, expected 2 to 5", protocol));
    return true;
  case 0x95: // FRAME
    number(8);
    return true;
  case 'q': // BINPUT
    remember(number(1));
    return true;
  case 'r': // LONG_BINPUT
    remember(number(4));
    return true;
  case 0x94: // MEMOIZE
    remember(memo.size());
    return true;
  case 'h': // BINGET
    recall(number(1));
    return true;
  case 'j': // LONG_BINGET
    recall(number(4));
    return true;
  case 'c': { // GLOBAL
    const std::string module = line(), name = line();
    pushGlobal(module, name);
    return true;
  }
  case 0x93: { // STACK_GLOBAL
    const Object *name = pop(), *module = pop();
    if (name->kind != Kind::Text || module->kind != Kind::Text)
      fail("a name is no text");
    pushGlobal(module->text, name->text);
    return true;
  }
  case 'Q': // BINPERSID
    pushStorage();
    return true;
  case 'R': // REDUCE
    reduce();
    return true;
  case 'b': // BUILD
    build();
    return true;
  case '.': // STOP
    return false;
  default:
    fail(fmt::format("opcode {:#04x} is none that torch.save writes for tensors", opcode));
  }
}

Pickle Machine::run() {
  do
    begin = at;
  while (step(unsigned(number(1))));
  pickle.root = pop();
  return std::move(pickle);
}

} // namespace

Pickle torch::readPickle(std::span<const std::byte> bytes, const std::string &path) {
  return Machine(bytes, path).run();
}
