// Values as bytes and back, between two processes of one program: numbers little-endian, texts and lists with
// their length in front. A struct is told once, for both ways, as a list of its members that the compiler
// counts: one that is added later cannot be left out.
//
//     template <class Codec>
//     void pass(Codec& codec, Of<Codec, Secret>& value) {
//         auto& [file, variable] = value;
//         codec(file, variable);
//     }
//
// The reader never takes more memory than the bytes account for, and stays failed once it failed.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/digest.hpp"
#include "base/wire.hpp"
#include "registry-client/reference.hpp"

namespace synchost::images::detail {

template <class Codec, class T>
using Of = std::conditional_t<Codec::kReads, T, const T>;

template <class T>
concept Plain = std::is_arithmetic_v<T> || std::is_enum_v<T>;

class Encoder {
  public:
    static constexpr bool kReads = false;

    void operator()(const auto&... values) { (put(values), ...); }
    [[nodiscard]] std::string take() { return std::move(out_); }

  private:
    void put(Plain auto value) { WireWriter(out_).number(static_cast<std::uint64_t>(value)); }
    void put(const std::string& text) {
        put(text.size());
        out_ += text;
    }
    void put(const std::filesystem::path& path) { put(path.native()); }
    void put(std::chrono::milliseconds time) { put(time.count()); }
    void put(const Digest& digest) { put(digest.to_string()); }
    void put(const registry::Reference& name) { put(name.to_string()); }
    template <class T>
    void put(const std::optional<T>& value) {
        put(value.has_value());
        if (value) put(*value);
    }
    template <class T>
    void put(const std::vector<T>& values) {
        put(values.size());
        for (const T& value : values) put(value);
    }
    template <class V>
    void put(const std::map<std::string, V>& values) {
        put(values.size());
        for (const auto& [key, value] : values) {
            put(key);
            put(value);
        }
    }
    template <class T>
        requires std::is_class_v<T>
    void put(const T& value) {
        pass(*this, value);
    }

    std::string out_;
};

class Decoder {
  public:
    static constexpr bool kReads = true;
    explicit Decoder(std::string_view bytes) : reader_(bytes) {}

    void operator()(auto&... values) { (get(values), ...); }
    [[nodiscard]] Result<> done(std::string_view what) const {
        if (failed_) return fail(Errc::protocol, std::string(what) + ": no valid value");
        return reader_.done(what);
    }

  private:
    template <Plain T>
    void get(T& value) {
        value = static_cast<T>(reader_.number<std::uint64_t>());
    }
    // Each element takes a byte at least.
    std::size_t count() {
        const auto size = reader_.number<std::uint64_t>();
        if (size <= reader_.left().size()) return static_cast<std::size_t>(size);
        failed_ = true;
        return 0;
    }
    [[nodiscard]] bool goes_on() const { return !failed_ && !reader_.failed(); }
    void get(std::string& text) { text = reader_.take(count()); }
    void get(std::filesystem::path& path) { path = reader_.take(count()); }
    void get(std::chrono::milliseconds& time) {
        std::int64_t number = 0;
        get(number);
        time = std::chrono::milliseconds(number);
    }
    void get(Digest& digest) {
        if (auto parsed = Digest::parse(reader_.take(count())))
            digest = *parsed;
        else
            failed_ = true;
    }
    void get(std::optional<registry::Reference>& name) {
        bool there = false;
        get(there);
        if (!there) return;
        if (auto parsed = registry::Reference::parse(reader_.take(count())))
            name = *std::move(parsed);
        else
            failed_ = true;
    }
    template <class T>
    void get(std::optional<T>& value) {
        bool there = false;
        get(there);
        if (there && goes_on()) get(value.emplace());
    }
    template <class T>
    void get(std::vector<T>& values) {
        for (std::size_t left = count(); left > 0 && goes_on(); --left) get(values.emplace_back());
    }
    template <class V>
    void get(std::map<std::string, V>& values) {
        for (std::size_t left = count(); left > 0 && goes_on(); --left) {
            std::string key;
            get(key);
            get(values[std::move(key)]);
        }
    }
    template <class T>
        requires std::is_class_v<T>
    void get(T& value) {
        pass(*this, value);
    }

    WireReader reader_;
    bool failed_ = false;
};

}  // namespace synchost::images::detail
