#include "host/delta/sign.hpp"

#include "host/delta/detail/signer.hpp"
#include "host/delta/detail/stable_file.hpp"

namespace synchost::host::delta {

Result<Signature> sign(int fd) {
    TRY_ASSIGN(const detail::StableFile file, detail::StableFile::of(fd));
    detail::Signer signer(file.size(), block_bytes_for(file.size()));
    Xxh3Hasher whole;
    std::vector<char> buffer(detail::kChunkBytes);
    for (std::uint64_t offset = 0; offset < file.size(); offset += detail::kChunkBytes) {
        TRY_ASSIGN(const std::string_view chunk, file.read_chunk(offset, buffer));
        whole.update(chunk);
        signer.add(chunk);
    }
    TRY(file.check_unchanged());
    return std::move(signer).finish(whole.value());
}

}  // namespace synchost::host::delta
