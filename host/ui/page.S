/* The page's files as read-only data; the assembler looks for them in the folder that they were built into (-Wa,-I). */
    .macro page_file name, path
    .globl synchost_page_\name\()_begin
    .globl synchost_page_\name\()_end
synchost_page_\name\()_begin:
    .incbin "\path"
synchost_page_\name\()_end:
    .endm

    .section .rodata
    page_file index, index.html
    page_file script, assets/app.js
    page_file style, assets/app.css
    page_file icon, favicon.svg
    .section .note.GNU-stack,"",@progbits
