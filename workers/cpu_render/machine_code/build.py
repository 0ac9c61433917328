"""Compiles the kernels into an image: `python -m workers.cpu_render.machine_code.build FILE`."""

import sys
from pathlib import Path

from llvmlite import binding as llvm  # type: ignore[import-untyped]  # published without type information
from numba.core.ccallback import CFunc

from workers.cpu_render.machine_code.elf import flattened
from workers.cpu_render.machine_code.image import write
from workers.cpu_render.machine_code.source import KERNELS

_DEFINED_HERE = "internal"  # a linkage: what nobody outside needs is left out


def object_code() -> bytes:
    """All kernels in one object file for this very processor, under their own names."""
    target = _machine()
    whole = llvm.parse_assembly("")
    for name, kernel in KERNELS.items():
        whole.link_in(_renamed(kernel, name))
    for function in whole.functions:
        if not function.is_declaration and function.name not in KERNELS:
            function.linkage = _DEFINED_HERE
    for variable in whole.global_variables:
        if not variable.is_declaration:
            variable.linkage = _DEFINED_HERE
    builder = llvm.create_pass_builder(target, llvm.create_pipeline_tuning_options())
    passes = llvm.create_new_module_pass_manager()
    passes.add_global_dead_code_eliminate_pass()
    passes.run(whole, builder)
    return bytes(target.emit_object(whole))


def _renamed(kernel: CFunc, name: str) -> llvm.ModuleRef:
    module = llvm.parse_assembly(kernel.inspect_llvm())
    module.get_function(kernel.native_name).name = name
    return module


def _machine() -> llvm.TargetMachine:
    """Code that may lie anywhere, its parts near each other."""
    return llvm.Target.from_triple(llvm.get_process_triple()).create_target_machine(
        cpu=llvm.get_host_cpu_name(),
        features=llvm.get_host_cpu_features().flatten(),
        opt=3,
        reloc="pic",
        codemodel="small",
    )


if __name__ == "__main__":
    write(flattened(object_code()), Path(sys.argv[1]))
