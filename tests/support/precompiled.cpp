// Something for the compiler to do in the target that owns the precompiled headers.
