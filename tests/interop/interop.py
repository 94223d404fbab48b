"""Numpy, safetensors and h5py against dsrunner, in both directions, bit by bit.

Run with a folder and the command that runs the test `interop`:

    python tests/interop/interop.py FOLDER cargo test --release --workspace --test interop
"""

import os
import pathlib
import subprocess
import sys

import h5py
import numpy as np
import safetensors.numpy


def state():
    """The arrays of `main.rs`."""
    single = [0x7FC01234, 0xFF800001, 0x80000000, 1, 0xFF800000, 0x3F800000]
    double = [
        0x7FF80000DEADBEEF,
        0xFFF0000000000001,
        0x8000000000000000,
        1,
        0xFFF0000000000000,
        0x3FF0000000000000,
    ]
    ends = lambda kind: [np.iinfo(kind).min, -1, 0, 1, 2, np.iinfo(kind).max]
    return {
        "E.f32": np.array(single, "u4").view("f4").reshape(2, 3),
        "E.f64": np.array(double, "u8").view("f8"),
        "E.i32": np.array(ends("i4"), "i4").reshape(3, 2),
        "E.u32": np.array([0, 1, 2, 3, 2**31, 2**32 - 1], "u4"),
        "E.i64": np.array(ends("i8"), "i8").reshape(6, 1),
        "E.u64": np.array([0, 1, 2, 3, 2**63, 2**64 - 1], "u8"),
        "E.bool": np.array([[True, False, True], [True, False, False]]),
        "Ω.step": np.array(2**53 + 1, "u8"),
        "flag": np.array(True),
        "none": np.zeros(0, "f4"),
        "hollow": np.zeros((2, 0, 3), "i4"),
    }


def swapped(array):
    """The same numbers, the highest byte first."""
    return array.astype(array.dtype.newbyteorder(">")) if array.dtype.kind != "f" else (
        array.copy().view(f"u{array.itemsize}").byteswap().view(array.dtype.newbyteorder(">"))
    )


def in_columns(array):
    return np.asfortranarray(array) if array.ndim else array


def write_theirs(folder):
    arrays = state()
    np.savez(folder / "plain.npz", **arrays)
    np.savez_compressed(folder / "packed.npz", **arrays)
    np.savez(folder / "swapped.npz", **{key: swapped(a) for key, a in arrays.items()})
    np.savez(folder / "columns.npz", **{key: in_columns(a) for key, a in arrays.items()})
    safetensors.numpy.save_file(arrays, folder / "plain.safetensors")
    safetensors.numpy.save_file(arrays, folder / "about.safetensors", metadata={"by": "test"})
    options = {"contiguous": {}, "chunked": {"chunks": True}, "gzip": {"compression": "gzip"}}
    options["shuffled"] = {"compression": "gzip", "shuffle": True, "fletcher32": True}
    options["lzf"] = {"compression": "lzf"}
    for libver in ["earliest", "v114"]:
        for name, how in options.items():
            for way, change in {"": lambda a: a, "-swapped": swapped}.items():
                with h5py.File(folder / f"{name}-{libver}{way}.h5", "w", libver=(libver, "v114")) as file:
                    for key, array in arrays.items():
                        # h5py has chunks for neither scalars nor what is empty
                        filled = array.ndim and array.size
                        file.create_dataset(key, data=change(array), **(how if filled else {}))
    # many small chunks, a side that grows, attributes of others
    with h5py.File(folder / "growing.h5", "w", track_order=True) as file:
        file.attrs["title"] = "of another program"
        for key, array in arrays.items():
            how = {}
            if array.ndim and array.size:
                how = {"chunks": (1,) * array.ndim, "maxshape": (None,) + array.shape[1:]}
            file.create_dataset(key, data=array, **how).attrs["unit"] = "mV"


def write_refused(folder):
    np.savez(folder / "half.npz", half=np.zeros(2, "f2"))
    np.savez(folder / "text.npz", text=np.array(["a"]))
    np.savez(folder / "pair.npz", pair=np.zeros(2, [("a", "f4"), ("b", "f4")]))
    safetensors.numpy.save_file({"byte": np.zeros(2, "u1")}, folder / "byte.safetensors")
    for name, array in {"half": np.zeros(2, "f2"), "text": b"a", "complex": np.zeros(2, "c8")}.items():
        with h5py.File(folder / f"{name}.h5", "w") as file:
            file[name] = array
    # version 5 of the layout, which came with HDF5 2.0 and only this setting writes
    with h5py.File(folder / "latest.h5", "w", libver="latest") as file:
        file.create_dataset("latest", data=np.zeros(64, "f4"), compression="gzip")
    with h5py.File(folder / "group.h5", "w") as file:
        file["group/V"] = np.zeros(2, "f4")
    # elements in a file beside it are none of this file
    with h5py.File(folder / "outside.h5", "w") as file:
        elements = [(str(folder / "half.npz"), 0, 8)]
        file.create_dataset("outside", (2,), "f4", external=elements)


def check_ours(folder):
    wanted = state()
    for path in sorted(folder.iterdir()):
        if path.suffix == ".npz":
            found = dict(np.load(path))
        elif path.suffix == ".safetensors":
            found = safetensors.numpy.load_file(path)
        else:
            with h5py.File(path) as file:
                found = {key: file[key][()] for key in file}
        assert found.keys() == wanted.keys(), (path, found.keys())
        for key, array in wanted.items():
            other = np.asarray(found[key])
            assert other.dtype == array.dtype, (path, key, other.dtype)
            assert other.shape == array.shape, (path, key, other.shape)
            assert other.tobytes() == array.tobytes(), (path, key, other)
        print(f"{path.name}: {len(wanted)} arrays, every bit")


def main():
    folder, command = pathlib.Path(sys.argv[1]), sys.argv[2:]
    for name, write in {"ours": None, "theirs": write_theirs, "refused": write_refused}.items():
        (folder / name).mkdir()
        if write:
            write(folder / name)
    environment = os.environ | {"DSRUNNER_INTEROP": str(folder)}
    subprocess.run([*command, "--", "--nocapture"], env=environment, check=True)
    check_ours(folder / "ours")


main()
