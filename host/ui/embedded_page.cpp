#include <array>

#include "host/ui/page_files.hpp"

extern "C" {
extern const char synchost_page_index_begin[];
extern const char synchost_page_index_end[];
extern const char synchost_page_script_begin[];
extern const char synchost_page_script_end[];
extern const char synchost_page_style_begin[];
extern const char synchost_page_style_end[];
extern const char synchost_page_icon_begin[];
extern const char synchost_page_icon_end[];
}

namespace synchost::host::ui {

std::span<const PageFile> embedded_page() {
    static const std::array kFiles = {
        PageFile{
            kIndexPath, "text/html; charset=utf-8", {synchost_page_index_begin, synchost_page_index_end}},
        PageFile{kScriptPath,
                 "text/javascript; charset=utf-8",
                 {synchost_page_script_begin, synchost_page_script_end}},
        PageFile{kStylePath, "text/css; charset=utf-8", {synchost_page_style_begin, synchost_page_style_end}},
        PageFile{kIconPath, "image/svg+xml", {synchost_page_icon_begin, synchost_page_icon_end}}};
    return kFiles;
}

}  // namespace synchost::host::ui
