#include "images/layer/compressor.hpp"

#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <limits>
#include <string>

namespace synchost::images {
namespace {

constexpr int kZstdLevel = 3;
// Of each piece that a worker compresses: short, so that none is left alone with the last one, the bytes go on
// early, and the buffers stay in the processor's caches.
constexpr int kZstdJob = 2 << 20;
constexpr int kGzipLevel = 6;
constexpr std::size_t kOutBuffer = std::size_t{128} << 10;

class Zstd final : public Compressor {
  public:
    explicit Zstd(ByteSink sink)
        : sink_(std::move(sink)), context_(ZSTD_createCCtx()), out_(kOutBuffer, '\0') {}
    Result<> start(unsigned workers) {
        if (!context_) return fail(Errc::io, "zstd: no memory");
        const auto threads = static_cast<int>(std::clamp(workers, 1U, kMaxWorkers));
        for (const auto& [parameter, value] :
             {std::pair{ZSTD_c_compressionLevel, kZstdLevel}, std::pair{ZSTD_c_nbWorkers, threads},
              std::pair{ZSTD_c_jobSize, kZstdJob}}) {
            const std::size_t code = ZSTD_CCtx_setParameter(context_.get(), parameter, value);
            if (ZSTD_isError(code))
                return fail(Errc::unsupported, std::string("zstd: ") + ZSTD_getErrorName(code));
        }
        return {};
    }
    Result<> write(std::string_view bytes) override { return run(bytes, ZSTD_e_continue); }
    Result<> finish() override { return run({}, ZSTD_e_end); }

  private:
    Result<> run(std::string_view bytes, ZSTD_EndDirective directive) {
        ZSTD_inBuffer in{bytes.data(), bytes.size(), 0};
        for (;;) {
            ZSTD_outBuffer out{out_.data(), out_.size(), 0};
            const std::size_t left = ZSTD_compressStream2(context_.get(), &out, &in, directive);
            if (ZSTD_isError(left)) return fail(Errc::io, std::string("zstd: ") + ZSTD_getErrorName(left));
            if (out.pos > 0) TRY(sink_({out_.data(), out.pos}));
            const bool done = directive == ZSTD_e_end ? left == 0 : in.pos == in.size;
            if (done) return {};
        }
    }
    struct Free {
        void operator()(ZSTD_CCtx* context) const { ZSTD_freeCCtx(context); }
    };
    ByteSink sink_;
    std::unique_ptr<ZSTD_CCtx, Free> context_;
    std::string out_;
};

class Gzip final : public Compressor {
  public:
    explicit Gzip(ByteSink sink) : sink_(std::move(sink)), out_(kOutBuffer, '\0') {}
    ~Gzip() override { deflateEnd(&stream_); }
    Result<> start(unsigned) {
        constexpr int kGzipWindow = 15 + 16;
        if (deflateInit2(&stream_, kGzipLevel, Z_DEFLATED, kGzipWindow, 8, Z_DEFAULT_STRATEGY) != Z_OK) {
            return fail(Errc::io, "gzip: no memory");
        }
        return {};
    }
    Result<> write(std::string_view bytes) override {
        while (!bytes.empty()) {
            const std::size_t step = std::min<std::size_t>(bytes.size(), std::numeric_limits<uInt>::max());
            TRY(run(bytes.substr(0, step), Z_NO_FLUSH));
            bytes.remove_prefix(step);
        }
        return {};
    }
    Result<> finish() override { return run({}, Z_FINISH); }

  private:
    Result<> run(std::string_view bytes, int flush) {
        stream_.next_in = const_cast<Bytef*>(reinterpret_cast<const Bytef*>(bytes.data()));
        stream_.avail_in = static_cast<uInt>(bytes.size());
        do {
            stream_.next_out = reinterpret_cast<Bytef*>(out_.data());
            stream_.avail_out = static_cast<uInt>(out_.size());
            if (deflate(&stream_, flush) == Z_STREAM_ERROR) return fail(Errc::io, "gzip: broken state");
            const std::size_t made = out_.size() - stream_.avail_out;
            if (made > 0) TRY(sink_({out_.data(), made}));
        } while (stream_.avail_out == 0);
        return {};
    }
    ByteSink sink_;
    z_stream stream_{};
    std::string out_;
};

template <typename T>
Result<std::unique_ptr<Compressor>> started(ByteSink sink, unsigned workers) {
    auto out = std::make_unique<T>(std::move(sink));
    TRY(out->start(workers));
    return out;
}

}  // namespace

Result<std::unique_ptr<Compressor>> make_compressor(Compression compression, ByteSink sink,
                                                    unsigned workers) {
    return compression == Compression::zstd ? started<Zstd>(std::move(sink), workers)
                                            : started<Gzip>(std::move(sink), workers);
}

std::string_view layer_media_type(Compression compression) {
    return compression == Compression::zstd ? "application/vnd.oci.image.layer.v1.tar+zstd"
                                            : "application/vnd.oci.image.layer.v1.tar+gzip";
}

std::string_view short_name(Compression compression) {
    return compression == Compression::zstd ? "zstd" : "gzip";
}

}  // namespace synchost::images
