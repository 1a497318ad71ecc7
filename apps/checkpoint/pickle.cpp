#include "apps/checkpoint/pickle.h"

#include <algorithm>
#include <bit>
#include <unordered_map>

#include "apps/checkpoint/byte_reader.h"
#include "apps/checkpoint/utf8.h"

namespace lv::checkpoint::pickle {

namespace {

/// The opcodes of protocols 2 to 5 that make plain data.
enum class Op : uint8_t {
  mark = '(',
  stop = '.',
  pop = '0',
  none = 'N',
  new_true = 0x88,
  new_false = 0x89,
  int32 = 'J',
  uint8 = 'K',
  uint16 = 'M',
  long1 = 0x8a,
  float64 = 'G',
  text8 = 0x8c,
  text32 = 'X',
  text64 = 0x8d,
  empty_list = ']',
  append = 'a',
  appends = 'e',
  empty_tuple = ')',
  tuple = 't',
  tuple1 = 0x85,
  tuple2 = 0x86,
  tuple3 = 0x87,
  empty_dict = '}',
  set_item = 's',
  set_items = 'u',
  put8 = 'q',
  put32 = 'r',
  memoize = 0x94,
  get8 = 'h',
  get32 = 'j',
  global = 'c',
  stack_global = 0x93,
  reduce = 'R',
  new_object = 0x81,
  build = 'b',
  persistent = 'Q',
  protocol = 0x80,
  frame = 0x95,
};

/// Names of the opcodes that are refused, for messages; Python's pickletools has the same.
std::string_view refused_name(uint8_t code) {
  constexpr std::pair<uint8_t, std::string_view> kNames[] = {
      {'I', "INT"},        {'L', "LONG"},           {'F', "FLOAT"},
      {'S', "STRING"},     {'T', "BINSTRING"},      {'U', "SHORT_BINSTRING"},
      {'B', "BINBYTES"},   {'C', "SHORT_BINBYTES"}, {0x8b, "LONG4"},
      {0x8e, "BINBYTES8"}, {0x96, "BYTEARRAY8"},    {'V', "UNICODE"},
      {'l', "LIST"},       {'d', "DICT"},           {'p', "PUT"},
      {'g', "GET"},        {'1', "POP_MARK"},       {'2', "DUP"},
      {'P', "PERSID"},     {'i', "INST"},           {'o', "OBJ"},
      {0x82, "EXT1"},      {0x83, "EXT2"},          {0x84, "EXT4"},
      {0x8f, "EMPTY_SET"}, {0x90, "ADDITEMS"},      {0x91, "FROZENSET"},
      {0x92, "NEWOBJ_EX"}, {0x97, "NEXT_BUFFER"},   {0x98, "READONLY_BUFFER"},
  };
  const auto* const found =
      std::find_if(std::begin(kNames), std::end(kNames), [&](const auto& pair) { return pair.first == code; });
  return found == std::end(kNames) ? "unknown" : found->second;
}

/// The classes whose instances are dictionaries to us.
constexpr std::string_view kDictClasses[] = {"collections.OrderedDict", "argparse.Namespace"};

/// The stack machine. An opcode makes one value at most and nothing grows faster than the pickle itself.
class Machine {
 public:
  Machine(std::span<const std::byte> bytes, std::string_view source, std::span<const std::string_view> globals)
      : reader_(bytes, source), source_(source), globals_(globals) {}

  Data run() {
    while (step()) {}
    check(reader_.is_at_end(), "something follows the end at byte {}", reader_.at());
    check(stack_.size() == 1 && marks_.empty(), "{} values and {} marks are left where one value was wanted",
          stack_.size(), marks_.size());
    data_.root = stack_.back();
    return std::move(data_);
  }

 private:
  template <class... Args>
  void check(bool condition, fmt::format_string<Args...> text, Args&&... args) const {
    LV_CHECK_AS(IoError, condition, "{}: byte {} of the pickle: {}", source_, reader_.at(),
                fmt::format(text, std::forward<Args>(args)...));
  }

  /// Runs one opcode; false after the last.
  bool step() {
    const auto op = reader_.number<Op>();
    switch (op) {
      case Op::protocol:
        check_protocol(reader_.number<uint8_t>());
        return true;
      case Op::frame:
        reader_.number<uint64_t>();
        return true;
      case Op::mark:
        marks_.push_back(stack_.size());
        return true;
      case Op::pop:
        pop();
        return true;
      case Op::stop:
        return false;
      default:
        if (!step_scalar(op) && !step_container(op) && !step_object(op)) {
          fail<IoError>("{}: byte {} of the pickle: the opcode 0x{:02x} ({}) is refused; only plain data is read",
                        source_, reader_.at() - 1, uint8_t(op), refused_name(uint8_t(op)));
        }
        return true;
    }
  }

  bool step_scalar(Op op) {
    switch (op) {
      case Op::none:
        push(None{});
        return true;
      case Op::new_true:
      case Op::new_false:
        push(op == Op::new_true);
        return true;
      case Op::int32:
        push(int64_t(reader_.number<int32_t>()));
        return true;
      case Op::uint8:
        push(int64_t(reader_.number<uint8_t>()));
        return true;
      case Op::uint16:
        push(int64_t(reader_.number<uint16_t>()));
        return true;
      case Op::long1:
        push(read_long());
        return true;
      case Op::float64:
        push(std::bit_cast<double>(__builtin_bswap64(reader_.number<uint64_t>())));
        return true;
      case Op::text8:
        push(read_text(reader_.number<uint8_t>()));
        return true;
      case Op::text32:
        push(read_text(reader_.number<uint32_t>()));
        return true;
      case Op::text64:
        push(read_text(reader_.number<uint64_t>()));
        return true;
      default:
        return false;
    }
  }

  bool step_container(Op op) {
    switch (op) {
      case Op::empty_list:
        push(List{});
        return true;
      case Op::append:
        append({pop()});
        return true;
      case Op::appends:
        append(pop_to_mark());
        return true;
      case Op::empty_tuple:
        push(Tuple{});
        return true;
      case Op::tuple:
        push(Tuple{pop_to_mark()});
        return true;
      case Op::tuple1:
      case Op::tuple2:
      case Op::tuple3:
        push(Tuple{pop_many(1 + size_t(op) - size_t(Op::tuple1))});
        return true;
      case Op::empty_dict:
        push(Dict{});
        return true;
      case Op::set_item:
        set_items(pop_many(2));
        return true;
      case Op::set_items:
        set_items(pop_to_mark());
        return true;
      default:
        return false;
    }
  }

  bool step_object(Op op) {
    switch (op) {
      case Op::put8:
        remember(reader_.number<uint8_t>());
        return true;
      case Op::put32:
        remember(reader_.number<uint32_t>());
        return true;
      case Op::memoize:
        remember(uint32_t(memo_.size()));
        return true;
      case Op::get8:
        get(reader_.number<uint8_t>());
        return true;
      case Op::get32:
        get(reader_.number<uint32_t>());
        return true;
      case Op::global: {
        const std::string module = reader_.line();
        push_global(module, reader_.line());
        return true;
      }
      case Op::stack_global: {
        const std::vector<Id> names = pop_many(2);
        push_global(want<std::string>(names[0], "text"), want<std::string>(names[1], "text"));
        return true;
      }
      case Op::reduce:
      case Op::new_object:
        call();
        return true;
      case Op::build:
        pop();
        want<Dict>(top(), "an object that may have attributes");
        return true;
      case Op::persistent:
        push(Persistent{pop()});
        return true;
      default:
        return false;
    }
  }

  void check_protocol(int protocol) const {
    check(protocol >= 2 && protocol <= 5, "is of protocol {}; known are 2 to 5", protocol);
  }

  int64_t read_long() {
    const auto bytes = reader_.take(reader_.number<uint8_t>());
    check(bytes.size() <= sizeof(int64_t), "an integer has {} bytes, more than 8", bytes.size());
    uint64_t value = 0;
    for (size_t i = 0; i < bytes.size(); ++i) {
      value |= uint64_t(bytes[i]) << (8 * i);
    }
    const size_t unused = 64 - 8 * bytes.size();
    return bytes.empty() ? 0 : int64_t(value << unused) >> unused;
  }

  std::string read_text(uint64_t count) {
    std::string text = reader_.text(count);
    check(is_utf8(text), "a text is not UTF-8");
    return text;
  }

  void push(Value value) {
    check(data_.values.size() < kMaxValues, "has more than {} values", kMaxValues);
    stack_.push_back(Id(data_.values.size()));
    data_.values.push_back(std::move(value));
  }
  void push_global(const std::string& module, const std::string& name) {
    const std::string full = module + "." + name;
    check(std::find(globals_.begin(), globals_.end(), full) != globals_.end(),
          "refers to \"{}\", which is refused; only tensors and plain data are read", full);
    push(Global{full});
  }

  /// Values that were put above the last mark cannot be taken without it.
  [[nodiscard]] size_t available() const { return stack_.size() - (marks_.empty() ? 0 : marks_.back()); }
  [[nodiscard]] Id top() const {
    check(available() >= 1, "a value is missing");
    return stack_.back();
  }
  Id pop() {
    const Id id = top();
    stack_.pop_back();
    return id;
  }
  std::vector<Id> pop_many(size_t count) {
    check(available() >= count, "{} values are wanted, there are {}", count, available());
    const auto first = stack_.end() - ptrdiff_t(count);
    std::vector<Id> result(first, stack_.end());
    stack_.erase(first, stack_.end());
    return result;
  }
  std::vector<Id> pop_to_mark() {
    check(!marks_.empty(), "a mark is missing");
    std::vector<Id> result = pop_many(stack_.size() - marks_.back());
    marks_.pop_back();
    return result;
  }

  template <class T>
  T& want(Id id, std::string_view what) {
    T* const value = std::get_if<T>(&data_.values[id]);
    check(value != nullptr, "{} is wanted, there is something else", what);
    return *value;
  }

  void append(const std::vector<Id>& items) {
    auto& list = want<List>(top(), "a list").items;
    list.insert(list.end(), items.begin(), items.end());
  }
  void set_items(const std::vector<Id>& items) {
    auto& dict = want<Dict>(top(), "a dictionary").items;
    check(items.size() % 2 == 0, "a key has no value");
    for (size_t i = 0; i < items.size(); i += 2) {
      dict.emplace_back(items[i], items[i + 1]);
    }
  }
  void remember(uint32_t index) {
    check(memo_.size() < kMaxValues, "remembers more than {} values", kMaxValues);
    memo_[index] = top();
  }
  void get(uint32_t index) {
    const auto found = memo_.find(index);
    check(found != memo_.end(), "nothing was remembered as {}", index);
    stack_.push_back(found->second);
  }
  void call() {
    const std::vector<Id> parts = pop_many(2);
    const auto& function = want<Global>(parts[0], "a function");
    const bool has_arguments = !want<Tuple>(parts[1], "a tuple of arguments").items.empty();
    if (std::find(std::begin(kDictClasses), std::end(kDictClasses), function.name) == std::end(kDictClasses)) {
      push(Call{parts[0], parts[1]});
      return;
    }
    check(!has_arguments, "{} is not made empty", function.name);
    push(Dict{});
  }

  ByteReader reader_;
  std::string_view source_;
  std::span<const std::string_view> globals_;
  Data data_;
  std::vector<Id> stack_;
  std::vector<size_t> marks_;  // sizes of the stack
  std::unordered_map<uint32_t, Id> memo_;
};

}  // namespace

Data parse(std::span<const std::byte> bytes, std::string_view source, std::span<const std::string_view> globals) {
  LV_CHECK_AS(IoError, bytes.size() <= kMaxBytes, "{}: has {} bytes of pickle, more than {}; it is no list of tensors",
              source, bytes.size(), kMaxBytes);
  return Machine(bytes, source, globals).run();
}

}  // namespace lv::checkpoint::pickle
