/* openapi.json as read-only data; SYNCHOST_OPENAPI_FILE is its path at build time. */
    .section .rodata
    .globl synchost_openapi_begin
    .globl synchost_openapi_end
synchost_openapi_begin:
    .incbin SYNCHOST_OPENAPI_FILE
synchost_openapi_end:
    .section .note.GNU-stack,"",@progbits
