#include "images/rootless/detail/messages.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

#include "base/wire.hpp"
#include "images/rootless/detail/codec.hpp"

namespace synchost::registry {
using images::detail::Of;

template <class Codec>
void pass(Codec& codec, Of<Codec, Descriptor>& value) {
    auto& [media_type, digest, size] = value;
    codec(media_type, digest, size);
}
template <class Codec>
void pass(Codec& codec, Of<Codec, Platform>& value) {
    auto& [os, architecture, variant, os_version] = value;
    codec(os, architecture, variant, os_version);
}
template <class Codec>
void pass(Codec& codec, Of<Codec, RetryPolicy>& value) {
    auto& [attempts, first, longest, longest_asked, patience] = value;
    codec(attempts, first, longest, longest_asked, patience);
}
template <class Codec>
void pass(Codec& codec, Of<Codec, ConnectorOptions>& value) {
    auto& [insecure_hosts, tls_hosts, ca_file, client_certificate, client_key, login_files, connect_timeout,
           silence_timeout, retry, stop, piece_bytes] = value;
    codec(insecure_hosts, tls_hosts, ca_file, client_certificate, client_key, login_files, connect_timeout,
          silence_timeout, retry, piece_bytes);
}

}  // namespace synchost::registry

namespace synchost {
using images::detail::Of;

template <class Codec>
void pass(Codec& codec, Of<Codec, Error>& value) {
    auto& [code, message, sys_errno, next_step] = value;
    codec(code, message, sys_errno, next_step);
}

}  // namespace synchost

namespace synchost::images {
using detail::Of;

template <class Codec>
void pass(Codec& codec, Of<Codec, Owner>& value) {
    auto& [uid, gid] = value;
    codec(uid, gid);
}
template <class Codec>
void pass(Codec& codec, Of<Codec, Secret>& value) {
    auto& [file, variable] = value;
    codec(file, variable);
}
template <class Codec>
void pass(Codec& codec, Of<Codec, BuildRequest>& value) {
    auto& [context, dockerfile, target, platform, build_args, build_contexts, secrets, ssh, compression,
           source_date_epoch, managed_owner, incremental, explain, base_configs] = value;
    codec(context, dockerfile, target, platform, build_args, build_contexts, secrets, ssh, compression,
          source_date_epoch, managed_owner, incremental, explain, base_configs);
}
template <class Codec>
void pass(Codec& codec, Of<Codec, Layer>& value) {
    auto& [blob, diff_id, file, remote, cached] = value;
    codec(blob, diff_id, file, remote, cached);
}
template <class Codec>
void pass(Codec& codec, Of<Codec, CacheNotes::StepLayer>& value) {
    auto& [key, layer] = value;
    codec(key, layer);
}
template <class Codec>
void pass(Codec& codec, Of<Codec, CacheNotes::Run>& value) {
    auto& [key, record, layer] = value;
    codec(key, record, layer);
}
template <class Codec>
void pass(Codec& codec, Of<Codec, CacheNotes::File>& value) {
    auto& [key, bytes] = value;
    codec(key, bytes);
}
template <class Codec>
void pass(Codec& codec, Of<Codec, CacheNotes>& value) {
    auto& [layers, runs, files] = value;
    codec(layers, runs, files);
}
template <class Codec>
void pass(Codec& codec, Of<Codec, RunConfig>& value) {
    auto& [entrypoint, cmd, env, working_dir, user, uid, gid, labels] = value;
    codec(entrypoint, cmd, env, working_dir, user, uid, gid, labels);
}
template <class Codec>
void pass(Codec& codec, Of<Codec, CopiedPath>& value) {
    auto& [source, image_path, kind, mode, line] = value;
    codec(source, image_path, kind, mode, line);
}
template <class Codec>
void pass(Codec& codec, Of<Codec, Reason>& value) {
    auto& [kind, change, name] = value;
    codec(kind, change, name);
}
template <class Codec>
void pass(Codec& codec, Of<Codec, ExplainedStep>& value) {
    auto& [line, stage, instruction, is_cached, is_failed, time_us, reasons, more] = value;
    codec(line, stage, instruction, is_cached, is_failed, time_us, reasons, more);
}
template <class Codec>
void pass(Codec& codec, Of<Codec, Image>& value) {
    auto& [manifest, digest, config, layers, run, base_configs, copied, managed_paths, steps, held] = value;
    codec(manifest, digest, config, layers, run, base_configs, copied, managed_paths, steps);
}
template <class Codec>
void pass(Codec& codec, Of<Codec, UploadAhead::Sent>& value) {
    auto& [digest, size] = value;
    codec(digest, size);
}
template <class Codec>
void pass(Codec& codec, Of<Codec, StoreUsage>& value) {
    auto& [blobs, blob_bytes, unpacked_bytes, cache_mount_bytes, record_bytes] = value;
    codec(blobs, blob_bytes, unpacked_bytes, cache_mount_bytes, record_bytes);
}
template <class Codec>
void pass(Codec& codec, Of<Codec, PruneReport>& value) {
    auto& [removed, removed_bytes, held_bytes, left] = value;
    codec(removed, removed_bytes, held_bytes, left);
}

namespace detail {
namespace {

template <class T>
std::string format(const T& value) {
    Encoder encoder;
    encoder(value);
    return encoder.take();
}

template <class T>
Result<T> parse(std::string_view bytes, std::string_view what) {
    Decoder decoder(bytes);
    T out;
    decoder(out);
    TRY(decoder.done(what));
    return out;
}

// False where the other end hung up before the first byte.
Result<bool> receive(int channel, std::string& into) {
    for (std::size_t done = 0; done < into.size();) {
        const ssize_t got = ::recv(channel, into.data() + done, into.size() - done, 0);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0 && errno != ECONNRESET) return fail_errno("the helper of a build");
        if (got <= 0 && done == 0) return false;
        if (got <= 0) return fail(Errc::protocol, "the helper of a build broke off");
        done += static_cast<std::size_t>(got);
    }
    return true;
}

Result<> send_all(int channel, std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t sent = ::send(channel, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR) continue;
        if (sent < 0) return fail_errno("the helper of a build");
        bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return {};
}

}  // namespace

template <class Codec>
void pass(Codec& codec, Of<Codec, Question>& value) {
    auto& [task, store, request, store_limit, ahead, cache_from, wants_notes, shell_on_error, wants_progress,
           registries, scope, keep_bytes] = value;
    codec(task, store, request, store_limit, ahead, cache_from, wants_notes, shell_on_error, wants_progress,
          registries, scope, keep_bytes);
}
template <class Codec>
void pass(Codec& codec, Of<Codec, BuildAnswer>& value) {
    auto& [image, sent, notes] = value;
    codec(image, sent, notes);
}
template <class Codec>
void pass(Codec& codec, Of<Codec, Failure>& value) {
    auto& [error, steps] = value;
    codec(error, steps);
}

Result<> send_frame(int channel, FrameKind kind, std::string_view bytes) {
    if (bytes.size() > kMaxFrame) return fail(Errc::unsupported, "a build's result of more than 1 GiB");
    std::string head;
    WireWriter writer(head);
    writer.number(static_cast<std::uint8_t>(kind));
    writer.number(static_cast<std::uint32_t>(bytes.size()));
    TRY(send_all(channel, head));
    return send_all(channel, bytes);
}

Result<std::optional<Frame>> receive_frame(int channel) {
    std::string head(sizeof(std::uint8_t) + sizeof(std::uint32_t), '\0');
    TRY_ASSIGN(const bool there, receive(channel, head));
    if (!there) return std::nullopt;
    WireReader reader(head);
    const auto kind = reader.number<std::uint8_t>();
    const auto size = reader.number<std::uint32_t>();
    if (kind > static_cast<std::uint8_t>(FrameKind::error) || size > kMaxFrame)
        return fail(Errc::protocol, "the helper of a build sent no frame");
    Frame out{static_cast<FrameKind>(kind), std::string(size, '\0')};
    TRY_ASSIGN(const bool whole, receive(channel, out.bytes));
    if (!whole) return fail(Errc::protocol, "the helper of a build broke off");
    return out;
}

std::string format_question(const Question& question) {
    return format(question);
}
Result<Question> parse_question(std::string_view bytes) {
    return parse<Question>(bytes, "a question to the helper of a build");
}
std::string format_answer(const BuildAnswer& built) {
    return format(built);
}
std::string format_answer(const PruneReport& report) {
    return format(report);
}
std::string format_answer(const StoreUsage& usage) {
    return format(usage);
}
std::string format_failure(const Failure& failure) {
    return format(failure);
}
Result<BuildAnswer> parse_built(std::string_view bytes) {
    return parse<BuildAnswer>(bytes, "the image of a build's helper");
}
Result<PruneReport> parse_prune_report(std::string_view bytes) {
    return parse<PruneReport>(bytes, "the report of a build's helper");
}
Result<StoreUsage> parse_usage(std::string_view bytes) {
    return parse<StoreUsage>(bytes, "the measures of a build's helper");
}
Result<Failure> parse_failure(std::string_view bytes) {
    return parse<Failure>(bytes, "the error of a build's helper");
}

}  // namespace detail
}  // namespace synchost::images
