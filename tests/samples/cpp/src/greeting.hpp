// A file of a sample project that a step compiles.
#pragma once

const char* greeting();
