#include "protocol/messages.hpp"

#include <functional>

#include "support/result_matchers.hpp"

namespace synchost::protocol {
namespace {

// What holds for every fixed-shape message: no prefix of it parses, and no byte after its end is taken.
void refuses_every_truncation(const std::string& payload,
                              const std::function<bool(std::string_view)>& parses) {
    EXPECT_TRUE(parses(payload));
    for (std::size_t length = 0; length < payload.size(); ++length) {
        EXPECT_FALSE(parses(std::string_view(payload).substr(0, length))) << length;
    }
    EXPECT_FALSE(parses(payload + "x"));
}

ContainerReport full_report() {
    return {.container = "app",
            .state = ProcessState::held,
            .generation = GenerationId{9},
            .starts = 3,
            .listening = std::chrono::microseconds(117'000),
            .exit_code = 137,
            .last_output = "last words\n",
            .roots = {"/app/", "/etc/one"}};
}

TEST(Messages, HelloRoundTrip) {
    const std::string payload = encode_hello({kProtocolVersion, Role::supervisor, "synchost 1"});
    const auto hello = parse_hello(payload);
    ASSERT_OK(hello);
    EXPECT_EQ(hello->version, kProtocolVersion);
    EXPECT_EQ(hello->role, Role::supervisor);
    EXPECT_EQ(hello->software, "synchost 1");
    refuses_every_truncation(payload, [](std::string_view bytes) { return parse_hello(bytes).has_value(); });
}

TEST(Messages, HelloOfAnotherVersionGivesItsVersionWhateverFollows) {
    std::string payload = encode_hello({kProtocolVersion + 1, Role::host, "x"}) + "fields of the future";
    EXPECT_EQ(parse_hello(payload).value().version, kProtocolVersion + 1);
}

TEST(Messages, HelloRefusesOtherMagicAndRoles) {
    std::string payload = encode_hello({});
    payload[0] = 'X';
    EXPECT_ERROR(parse_hello(payload), Errc::protocol, "not synchost's protocol");
    for (const char role : {'\0', '\x05', '\xFF'}) {
        payload = encode_hello({});
        payload[10] = role;
        EXPECT_ERROR(parse_hello(payload), Errc::protocol, "role");
    }
    EXPECT_OK(parse_hello(encode_hello({kProtocolVersion, Role::host, std::string(64, 's')})));
    EXPECT_ERROR(parse_hello(encode_hello({kProtocolVersion, Role::host, std::string(65, 's')})),
                 Errc::protocol, "too long");
}

TEST(Messages, ReportRoundTrip) {
    const std::string payload = encode_report(full_report());
    const auto report = parse_report(payload);
    ASSERT_OK(report);
    EXPECT_EQ(report->container, "app");
    EXPECT_EQ(report->state, ProcessState::held);
    EXPECT_EQ(report->generation, GenerationId{9});
    EXPECT_EQ(report->starts, 3u);
    EXPECT_EQ(report->listening, std::chrono::microseconds(117'000));
    EXPECT_EQ(report->exit_code, 137);
    EXPECT_EQ(report->last_output, "last words\n");
    EXPECT_EQ(report->roots, full_report().roots);
    refuses_every_truncation(payload, [](std::string_view bytes) { return parse_report(bytes).has_value(); });
}

TEST(Messages, ReportListensWithinADayOrNotAtAll) {
    ContainerReport report = full_report();
    const auto sent = [&](std::optional<std::chrono::microseconds> listening) {
        report.listening = listening;
        return parse_report(encode_report(report)).value().listening;
    };
    EXPECT_EQ(sent(std::nullopt), std::nullopt);
    EXPECT_EQ(sent(std::chrono::microseconds(0)), std::chrono::microseconds(1));
    EXPECT_EQ(sent(std::chrono::hours(25)), std::chrono::hours(24));
    std::string payload = encode_report(report);
    const std::size_t high_byte = 2 + 3 + 1 + 8 + 4 + 7;  // after container, state, generation and starts
    payload[high_byte] = 1;
    EXPECT_ERROR(parse_report(payload), Errc::protocol, "listening");
}

TEST(Messages, ReportKeepsTheEndOfLongOutput) {
    ContainerReport report = full_report();
    report.last_output = std::string(kMaxOutputBytes, 'a') + "the end";
    const auto parsed = parse_report(encode_report(report));
    ASSERT_OK(parsed);
    EXPECT_EQ(parsed->last_output.size(), kMaxOutputBytes);
    EXPECT_TRUE(parsed->last_output.ends_with("the end"));
}

TEST(Messages, ReportLimitsRoots) {
    ContainerReport report = full_report();
    report.roots.assign(kMaxRoots, "/r");
    EXPECT_OK(parse_report(encode_report(report)));
    report.roots.emplace_back("/r");
    EXPECT_ERROR(parse_report(encode_report(report)), Errc::protocol, "number of roots");
    report.roots = {"relative"};
    EXPECT_ERROR(parse_report(encode_report(report)), Errc::protocol, "root");
    report.roots = {"/" + std::string(kMaxRootBytes, 'r')};
    EXPECT_ERROR(parse_report(encode_report(report)), Errc::protocol, "too long");
}

TEST(Messages, ReportSurvivesEveryCorruptedByte) {
    const std::string payload = encode_report(full_report());
    for (std::size_t i = 0; i < payload.size(); ++i) {
        for (int value = 0; value < 256; ++value) {
            std::string corrupted = payload;
            corrupted[i] = static_cast<char>(value);
            const auto report = parse_report(corrupted);  // an error or a report within the limits
            if (report) EXPECT_LE(report->roots.size(), kMaxRoots);
        }
    }
}

TEST(Messages, AppliedRoundTrip) {
    using std::chrono::microseconds;
    const std::string payload = encode_applied(
        {GenerationId{5}, microseconds(1), microseconds(2), microseconds(3), microseconds(4), {}});
    const auto applied = parse_applied(payload);
    ASSERT_OK(applied);
    EXPECT_EQ(applied->id, GenerationId{5});
    EXPECT_EQ(applied->received.count(), 1);
    EXPECT_EQ(applied->restarted.count(), 4);
    EXPECT_FALSE(applied->after);
    refuses_every_truncation(payload,
                             [](std::string_view bytes) { return parse_applied(bytes).has_value(); });
}

TEST(Messages, AppliedCarriesWhatFailedAfterIt) {
    Applied applied;
    applied.after = Error{Errc::io, "compile: exit code 3", 0, "Fix it."};
    const std::string payload = encode_applied(applied);
    const auto parsed = parse_applied(payload);
    ASSERT_OK(parsed);
    ASSERT_TRUE(parsed->after);
    EXPECT_EQ(parsed->after->message, "compile: exit code 3");
    EXPECT_EQ(parsed->after->next_step, "Fix it.");
    refuses_every_truncation(payload,
                             [](std::string_view bytes) { return parse_applied(bytes).has_value(); });
}

TEST(Messages, DigestedRoundTrip) {
    const std::string payload = encode_digested({GenerationId{9}, 7, {1, 2}});
    EXPECT_EQ(parse_digested(payload).value(), (TreeDigest{GenerationId{9}, 7, {1, 2}}));
    refuses_every_truncation(payload,
                             [](std::string_view bytes) { return parse_digested(bytes).has_value(); });
}

TEST(TreeDigest, DependsOnEveryFieldAndOnNoOrder) {
    const auto entry = [](std::string_view path, ChangeKind kind, std::uint32_t mode, Xxh3 hash) {
        return InventoryEntry{0, RelPath::parse(path).value(), kind, mode, hash, false};
    };
    const auto a = entry("a", ChangeKind::put_file, 0644, {1, 2});
    const auto digest = [](std::initializer_list<InventoryEntry> entries, std::string_view root = "/app/") {
        TreeDigest sum;
        for (const InventoryEntry& one : entries) add_to(sum, root, one);
        return sum;
    };
    const auto b = entry("b", ChangeKind::put_symlink, 0777, {3, 4});
    EXPECT_EQ(digest({a, b}), digest({b, a}));
    EXPECT_NE(digest({a, b}), digest({a}));
    EXPECT_NE(digest({a}), digest({a}, "/srv/"));
    EXPECT_NE(digest({a}), digest({entry("c", ChangeKind::put_file, 0644, {1, 2})}));
    EXPECT_NE(digest({a}), digest({entry("a", ChangeKind::put_symlink, 0644, {1, 2})}));
    EXPECT_NE(digest({a}), digest({entry("a", ChangeKind::put_file, 0600, {1, 2})}));
    EXPECT_NE(digest({a}), digest({entry("a", ChangeKind::put_file, 0644, {1, 3})}));
    EXPECT_EQ(digest({b}), digest({entry("b", ChangeKind::put_symlink, 0, {3, 4})}));  // a link has no mode
}

TEST(Messages, FailedCarriesTheWholeError) {
    for (const Errc code :
         {Errc::io, Errc::not_found, Errc::conflict, Errc::protocol, Errc::auth, Errc::timeout,
          Errc::cancelled, Errc::registry, Errc::cluster, Errc::invalid_input, Errc::unsupported}) {
        const std::string payload = encode_failed({code, "what", 13, "Do this."});
        const auto error = parse_failed(payload);
        ASSERT_OK(error);
        EXPECT_EQ(error->code, code);
        EXPECT_EQ(error->message, "what");
        EXPECT_EQ(error->sys_errno, 13);
        EXPECT_EQ(error->next_step, "Do this.");
        refuses_every_truncation(payload,
                                 [](std::string_view bytes) { return parse_failed(bytes).has_value(); });
    }
    std::string payload = encode_failed({Errc::io, "", 0, {}});
    for (const char code : {'\0', '\x0C', '\xFF'}) {
        payload[0] = code;
        EXPECT_ERROR(parse_failed(payload), Errc::protocol, "error code");
    }
}

TEST(Messages, ByePingAndStatusRoundTrip) {
    const std::string bye = encode_bye({ByeReason::replaced, "why"});
    EXPECT_EQ(parse_bye(bye).value().reason, ByeReason::replaced);
    refuses_every_truncation(bye, [](std::string_view bytes) { return parse_bye(bytes).has_value(); });
    EXPECT_EQ(parse_ping(encode_ping(77)).value(), 77u);
    refuses_every_truncation(encode_ping(77),
                             [](std::string_view bytes) { return parse_ping(bytes).has_value(); });
}

TEST(Messages, StatusRoundTrip) {
    using std::chrono::milliseconds;
    for (const auto booting : {std::optional<milliseconds>(), std::optional(milliseconds(0)),
                               std::optional(milliseconds(0xFFFF'FFFE))}) {
        const std::string payload = encode_status({Phase::running, booting});
        EXPECT_EQ(parse_status(payload).value().phase, Phase::running);
        EXPECT_EQ(parse_status(payload).value().booting, booting);
        refuses_every_truncation(payload,
                                 [](std::string_view bytes) { return parse_status(bytes).has_value(); });
        EXPECT_FALSE(parse_status(payload + "x"));
    }
    EXPECT_EQ(parse_status(encode_status({Phase::running, std::chrono::hours(24 * 365)})).value().booting,
              milliseconds(0xFFFF'FFFE));
    std::string payload = encode_status({Phase::running, std::nullopt});
    for (const char phase : {'\0', '\x07'}) {
        payload[0] = phase;
        EXPECT_ERROR(parse_status(payload), Errc::protocol, "phase");
    }
}

TEST(Messages, InventoryRoundTrip) {
    auto inventory = parse_inventory_begin(encode_inventory_begin(GenerationId{4}, {"/app/"}));
    ASSERT_OK(inventory);
    std::string entries;
    append_inventory_entry(entries,
                           {0, RelPath::parse("a/b").value(), ChangeKind::put_file, 0644, {1, 2}, true});
    append_inventory_entry(entries,
                           {0, RelPath::parse("c").value(), ChangeKind::make_folder, 0755, {}, false});
    ASSERT_OK(parse_inventory_entries(entries, *inventory));
    ASSERT_EQ(inventory->entries.size(), 2u);
    EXPECT_EQ(inventory->entries[0].path.str(), "a/b");
    EXPECT_EQ(inventory->entries[0].hash, (Xxh3{1, 2}));
    EXPECT_EQ(inventory->entries[1].mode, 0755u);
}

TEST(Messages, InventoryRefusesWhatNoTreeHas) {
    Inventory inventory;
    inventory.roots = {"/app/"};
    const InventoryEntry good{0, RelPath::parse("a").value(), ChangeKind::put_file, 0644, {}};
    std::string bytes;
    append_inventory_entry(bytes, good);
    for (std::size_t length = 1; length < bytes.size(); ++length) {
        EXPECT_FALSE(parse_inventory_entries(bytes.substr(0, length), inventory)) << length;
    }
    std::string kind = bytes;
    kind[0] = 4;
    EXPECT_ERROR(parse_inventory_entries(kind, inventory), Errc::protocol, "kind");
    std::string root = bytes;
    root[1] = 1;
    EXPECT_ERROR(parse_inventory_entries(root, inventory), Errc::protocol, "root");
    std::string mode = bytes;
    mode[5] = 1;
    EXPECT_ERROR(parse_inventory_entries(mode, inventory), Errc::protocol, "mode");
    std::string path = bytes;
    path[9] = '/';
    EXPECT_FALSE(parse_inventory_entries(path, inventory));
}

}  // namespace
}  // namespace synchost::protocol
