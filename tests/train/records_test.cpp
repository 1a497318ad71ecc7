// What a run writes: event files, metrics, pictures, checkpoints.

#include <catch2/catch.hpp>
#include <cmath>
#include <fstream>
#include <sstream>

#include "apps/train/checkpoint_store.h"
#include "apps/train/event_format.h"
#include "apps/train/metrics.h"
#include "tests/core/scratch_folder.h"

using namespace lv;
using namespace lv::train;
using test::read_file;
using test::ScratchFolder;

namespace {

std::string hex(std::string_view bytes) {
  std::string text;
  for (const char c : bytes) {
    text += fmt::format("{:02x}", uint8_t(c));
  }
  return text;
}

Checkpoint small_checkpoint(double value) {
  Checkpoint checkpoint;
  checkpoint.model = {{"w", Tensor::full({2, 3}, value)}};
  checkpoint.about = {{"model", "small"}};
  checkpoint.state = {{"step", int64_t{1} << 60},
                      {"scale", 0.1},
                      {"whole", 3.0},
                      {"name", std::string("a \"b\"\n")},
                      {"moment", Tensor::full({4}, value, DType::f64)}};
  return checkpoint;
}

}  // namespace

TEST_CASE("crc32c gives the published check value") {
  CHECK(crc32c("123456789") == 0xE3069283U);            // the catalogue's check value of CRC-32/ISCSI
  CHECK(crc32c(std::string(32, '\0')) == 0x8A9136AAU);  // RFC 3720, B.4
  CHECK(crc32c("") == 0);
}

// The recorded bytes are those that TensorBoard 2.21's own event writer makes of the same events
// (tools/check_events.py).
TEST_CASE("events have the bytes that TensorBoard's own writer makes") {
  CHECK(hex(frame_record(version_event(1.5))) ==
        "1800000000000000a37f4b2209000000000000f83f1a0d627261696e2e4576656e743a322a28646c");
  CHECK(hex(frame_record(scalar_event(2.5, 300, "train/loss", 0.125F))) ==
        "2100000000000000017becf609000000000000044010ac022a130a110a0a747261696e2f6c6f7373150000003ebb143779");
  CHECK(hex(frame_record(image_event(3.5, 7, "picture", 3, 2, "PNG"))) ==
        "2500000000000000eabc36f3090000000000000c4010072a180a160a0770696374757265220b0802100318032203504e470baa7b5e");
  CHECK(hex(frame_record(restart_event(4.5, 8))) == "0f000000000000006d532b0909000000000000124010083a0208019e5b0767");
}

TEST_CASE("metrics go on at a step and forget what came later") {
  const ScratchFolder folder;
  {
    Metrics metrics(folder.path(), 0);
    metrics.add({"train", 10, 0.5, {{"loss", 2.0}, {"lr", 0.1}}});
    metrics.add({"eval", 20, 1.0, {{"accuracy", 0.25}}});
    metrics.add({"train", 30, 1.5, {{"loss", std::nan("")}}});
  }
  std::ofstream(folder / "metrics.jsonl", std::ios::app) << "{\"kind\": \"tra";  // cut by a crash
  Metrics metrics(folder.path(), 20);
  metrics.add({"train", 30, 1.5, {{"loss", 1.0}}});
  const auto losses = metrics.series("train", "loss");
  REQUIRE(losses.size() == 2);
  CHECK((losses[0].x == 0.5 && losses[0].y == 2.0 && losses[1].y == 1.0));
  CHECK(read_file(folder / "metrics.jsonl") ==
        "{\"kind\":\"train\",\"step\":10,\"epoch\":0.5,\"loss\":2.0,\"lr\":0.1}\n"
        "{\"kind\":\"eval\",\"step\":20,\"epoch\":1.0,\"accuracy\":0.25}\n"
        "{\"kind\":\"train\",\"step\":30,\"epoch\":1.5,\"loss\":1.0}\n");
}

TEST_CASE("a damaged line of metrics is refused by number") {
  const ScratchFolder folder;
  std::ofstream(folder / "metrics.jsonl") << "{\"kind\":\"train\",\"step\":1,\"epoch\":0}\n{\"step\":2}\n";
  CHECK_THROWS_WITH(Metrics(folder.path(), 5), Catch::Contains("metrics.jsonl:2: is no measurement"));
}

TEST_CASE("a checkpoint comes back with equal bits") {
  const ScratchFolder folder;
  CheckpointStore store(folder.path(), 2);
  store.save(7, small_checkpoint(1.0 / 3), false);
  const Checkpoint loaded = load_checkpoint(*store.last());
  const Checkpoint saved = small_checkpoint(1.0 / 3);
  CHECK(loaded.about == saved.about);
  CHECK(loaded.model[0].tensor.to_vector<float>() == saved.model[0].tensor.to_vector<float>());
  REQUIRE(loaded.state.size() == saved.state.size());
  const StateReader reader(loaded.state);
  CHECK(reader.get<int64_t>("step") == int64_t{1} << 60);
  CHECK(reader.get<double>("scale") == 0.1);
  CHECK(reader.get<double>("whole") == 3.0);
  CHECK(reader.get<std::string>("name") == "a \"b\"\n");
  CHECK(reader.get<Tensor>("moment").to_vector<double>() == std::vector<double>(4, 1.0 / 3));
}

TEST_CASE("the last checkpoints and the best one are kept") {
  const ScratchFolder folder;
  CheckpointStore store(folder.path(), 2);
  for (int64_t step = 1; step <= 5; ++step) {
    store.save(step, small_checkpoint(double(step)), step == 2);
  }
  CHECK(folder.names() == std::vector<std::string>{"best", "last", "step-00000002", "step-00000004", "step-00000005"});
  CHECK(store.last()->filename() == "step-00000005");
  CHECK(store.best()->filename() == "step-00000002");
  CHECK(load_model_file(folder / "best").at("w").to_vector<float>()[0] == 2.0F);
  store.save(6, small_checkpoint(6), true);
  CHECK(folder.names() == std::vector<std::string>{"best", "last", "step-00000005", "step-00000006"});
}

TEST_CASE("a checkpoint that cannot be written leaves nothing behind, and one cut by a crash goes away") {
  const ScratchFolder folder;
  CheckpointStore store(folder.path(), 1);
  store.save(1, small_checkpoint(1), false);
  Checkpoint bad = small_checkpoint(2);
  bad.state["scale"] = HUGE_VAL;
  CHECK_THROWS_WITH(store.save(2, bad, false), Catch::Contains("'scale' is inf"));
  CHECK(folder.names() == std::vector<std::string>{"last", "step-00000001"});

  std::filesystem::create_directory(folder / ".step-00000002.partial");
  std::ofstream(folder / ".step-00000002.partial" / std::filesystem::path("model.safetensors")) << "half";
  const CheckpointStore again(folder.path(), 1);
  CHECK(folder.names() == std::vector<std::string>{"last", "step-00000001"});
  CHECK(again.last()->filename() == "step-00000001");
}

TEST_CASE("checkpoints: a damaged state and an unwritable folder are named") {
  const ScratchFolder folder;
  CheckpointStore store(folder / "checkpoints", 1);
  store.save(1, small_checkpoint(1), false);
  std::ofstream(*store.last() / "state.json") << "{\"format\": 2, \"state\": {}}";
  CHECK_THROWS_WITH(load_checkpoint(*store.last()), Catch::Contains("state.json: has format 2, wanted 1"));
  std::ofstream(*store.last() / "state.json") << "{";
  CHECK_THROWS_WITH(load_checkpoint(*store.last()), Catch::Contains("state.json: is no state of a checkpoint"));
  std::ofstream(folder / "file") << "x";
  CHECK_THROWS_AS(CheckpointStore(folder / "file", 1), IoError);
  CHECK_THROWS_WITH(CheckpointStore("/dev/null/run", 1), Catch::Contains("/dev/null/run: cannot create the folder"));
}
