#include "base/zstd.hpp"

#include <zstd.h>

#include <memory>

namespace synchost {

std::string zstd_compress(std::string_view bytes, int level) {
    struct Free {
        void operator()(ZSTD_CCtx* context) const { ZSTD_freeCCtx(context); }
    };
    thread_local const std::unique_ptr<ZSTD_CCtx, Free> context(ZSTD_createCCtx());
    std::string out;
    out.resize_and_overwrite(ZSTD_compressBound(bytes.size()), [&](char* data, std::size_t size) {
        const std::size_t used =
            ZSTD_compressCCtx(context.get(), data, size, bytes.data(), bytes.size(), level);
        return ZSTD_isError(used) ? 0 : used;
    });
    return out;
}

Result<> zstd_decompress_into(std::string& out, std::string_view frame, std::size_t max_bytes) {
    struct Free {
        void operator()(ZSTD_DCtx* context) const { ZSTD_freeDCtx(context); }
    };
    thread_local const std::unique_ptr<ZSTD_DCtx, Free> context(ZSTD_createDCtx());
    out.clear();
    const unsigned long long promised = ZSTD_getFrameContentSize(frame.data(), frame.size());
    if (promised == ZSTD_CONTENTSIZE_ERROR) return fail(Errc::protocol, "not a zstd frame");
    if (promised == ZSTD_CONTENTSIZE_UNKNOWN)
        return fail(Errc::protocol, "zstd frame without a content size");
    if (promised > max_bytes) {
        return fail(Errc::protocol, "zstd frame of " + std::to_string(promised) +
                                        " bytes exceeds the limit of " + std::to_string(max_bytes));
    }
    bool good = false;
    out.resize_and_overwrite(static_cast<std::size_t>(promised), [&](char* data, std::size_t size) {
        const std::size_t used = ZSTD_decompressDCtx(context.get(), data, size, frame.data(), frame.size());
        // libstdc++ 12 may give the capacity as `size` where the string had to grow.
        good = !ZSTD_isError(used) && used == promised;
        return good ? used : 0;
    });
    if (!good) return fail(Errc::protocol, "damaged zstd frame");
    return {};
}

}  // namespace synchost
