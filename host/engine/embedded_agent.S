/* The agent binary as read-only data; SYNCHOST_AGENT_BINARY is its path at build time. */
    .section .rodata
    .balign 16
    .globl synchost_embedded_agent_begin
    .globl synchost_embedded_agent_end
synchost_embedded_agent_begin:
    .incbin SYNCHOST_AGENT_BINARY
synchost_embedded_agent_end:
    .section .note.GNU-stack,"",@progbits
