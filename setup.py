"""What pyproject.toml cannot say: the extension, its C files and the flags of each instruction set."""

import sys
import tempfile
from pathlib import Path

import numpy
from Cython.Build import cythonize
from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext
from setuptools.errors import CompileError

sys.path.insert(0, str(Path(__file__).parent))
from build_flags import COMMON_FLAGS, ISA_FLAGS, OPTIONAL_FLAGS  # noqa: E402


def isa_of(source: str) -> str | None:
    """The instruction set a C file is for: 'gemm_7x64_avx512vnni.c' and 'backends/avx2.c' say it themselves."""
    ending = Path(source).stem.rsplit("_", 1)[-1]
    return ending if ending in ISA_FLAGS else None


class BuildEachIsa(build_ext):
    """Compiles every C file with the flags of its own instruction set; sets the compiler does not know are left out."""

    def build_extension(self, ext: Extension) -> None:
        common = COMMON_FLAGS + [flag for flag in OPTIONAL_FLAGS if self._compiles([flag])]
        built = [isa for isa, flags in ISA_FLAGS.items() if self._compiles(flags)]
        macros = [(f"QK_BUILD_{isa.upper()}", "1") for isa in built]
        sources, ext.sources = ext.sources, [s for s in ext.sources if not s.startswith("src_c/")]
        objects = []
        for source in sources:
            isa = isa_of(source)
            if source.startswith("src_c/") and (isa is None or isa in built):
                flags = common + ISA_FLAGS.get(isa or "", [])
                objects += self.compiler.compile([source], output_dir=self.build_temp, macros=macros,
                                                 include_dirs=["src_c"], extra_postargs=flags, depends=ext.depends)
        ext.extra_objects = objects
        super().build_extension(ext)
        ext.sources = sources

    def _compiles(self, flags: list[str]) -> bool:
        with tempfile.TemporaryDirectory() as folder:
            probe = Path(folder) / "probe.c"
            probe.write_text("int probe;\n")
            try:
                self.compiler.compile([str(probe)], output_dir=folder, extra_postargs=[*flags, "-Werror"])
            except CompileError:
                return False
        return True


c_files = sorted(str(p) for p in Path("src_c").rglob("*.c"))
watched = sorted(str(p) for pattern in ("*.c", "*.h", "*.inc") for p in Path("src_c").rglob(pattern))
native = Extension("qkernels._native", ["qkernels/_native.pyx", *c_files], depends=watched,
                   include_dirs=["src_c", numpy.get_include()],
                   define_macros=[("NPY_NO_DEPRECATED_API", "NPY_1_7_API_VERSION")],
                   extra_compile_args=["-O2", "-fvisibility=hidden"],
                   extra_link_args=["-pthread"], libraries=["m"])
# cythonize would take the C files for its own: only the .pyx goes through it
native.sources = [*cythonize([Extension("qkernels._native", ["qkernels/_native.pyx"])],
                             compiler_directives={"language_level": "3"})[0].sources, *c_files]
setup(ext_modules=[native], cmdclass={"build_ext": BuildEachIsa})
