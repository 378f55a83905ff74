# What script/demo and script/test share: what the machine must have, and getting it. Sourced by them, never run.
#
# On Debian and its kin, missing packages are installed (with sudo unless root); when nothing is missing, nothing
# is. Elsewhere it is said what to install. A script ends with 2 when the machine lacks something.
# shellcheck shell=sh

say() {
    printf '%s\n' "$*"
}

# For traps. $1: the exit status that stands for the signal.
interrupted() {
    printf '\nEnded by a signal.\n' >&2
    exit "$1"
}

# $1...: lines that say what is missing and how to get it.
lacking() {
    printf '%s\n' "$@" >&2
    exit 2
}

# pkg-config's name and Debian's package for each library that the features `player` and `sound` link.
libraries='opencv4=libopencv-dev libavcodec=libavcodec-dev libavformat=libavformat-dev libavutil=libavutil-dev
    libswscale=libswscale-dev libswresample=libswresample-dev
    alsa=libasound2-dev'

# What a script needs besides, as program=package.
programs=''

# Rust: from PATH, or where rustup puts it for a shell that was started before.
need_cargo() {
    if ! command -v cargo >/dev/null 2>&1; then
        PATH=${CARGO_HOME:-${HOME:-}/.cargo}/bin:$PATH
        export PATH
    fi
    command -v cargo >/dev/null 2>&1 || lacking \
        'There is no Rust toolchain: cargo is not on the PATH. Get it from https://rustup.rs with' \
        "    curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs | sh" \
        'then run this again.'
    wanted=$(sed -n 's/^rust-version = "\(.*\)"$/\1/p' Cargo.toml)
    found=$(rustc --version | sed 's/^rustc \([0-9]*\.[0-9]*\).*/\1/')
    if [ "${found%%.*}" -lt "${wanted%%.*}" ] ||
        { [ "${found%%.*}" -eq "${wanted%%.*}" ] && [ "${found#*.}" -lt "${wanted#*.}" ]; }; then
        lacking "Rust $wanted or later is needed and this is $found. Run: rustup update stable"
    fi
}

# $1: what cargo calls it, $2: rustup's name of the component.
need_component() {
    cargo "$1" --version >/dev/null 2>&1 && return
    if command -v rustup >/dev/null 2>&1; then
        say "Installing $2"
        rustup component add "$2" && cargo "$1" --version >/dev/null 2>&1 && return
    fi
    lacking "cargo $1 is missing. With rustup: rustup component add $2. Else install your system's package of it."
}

need_packages() {
    if command -v apt-get >/dev/null 2>&1 && command -v dpkg-query >/dev/null 2>&1; then
        missing=$(missing_on_debian)
        [ -z "$missing" ] || install_on_debian
    else
        missing=$(missing_elsewhere)
        [ -z "$missing" ] || lacking "Missing here: $missing" '' "$(advice)" '' \
            'A hub or a member that plays no videos builds without them: cargo build --release --no-default-features'
    fi
}

# Libraries that pkg-config finds count however they came here.
missing_on_debian() {
    list=''
    { command -v cc && command -v c++; } >/dev/null 2>&1 || list="$list g++"
    command -v pkg-config >/dev/null 2>&1 || list="$list pkg-config"
    for package in libclang-dev clang; do
        is_installed "$package" || list="$list $package"
    done
    for pair in $libraries; do
        has_library "${pair%%=*}" || list="$list ${pair#*=}"
    done
    for pair in $programs; do
        command -v "${pair%%=*}" >/dev/null 2>&1 || list="$list ${pair#*=}"
    done
    printf '%s' "${list# }"
}

missing_elsewhere() {
    list=''
    for program in cc c++ pkg-config clang $programs; do
        command -v "${program%%=*}" >/dev/null 2>&1 || list="$list ${program%%=*}"
    done
    for pair in $libraries; do
        # Only Linux has it, and where there is none nothing needs it.
        [ "${pair%%=*}" != alsa ] || [ "$(uname)" = Linux ] || continue
        has_library "${pair%%=*}" || list="$list ${pair%%=*}"
    done
    printf '%s' "${list# }"
}

is_installed() {
    [ "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

has_library() {
    pkg-config --exists "$1" 2>/dev/null
}

install_on_debian() {
    as_root=''
    if [ "$(id -u)" -ne 0 ]; then
        command -v sudo >/dev/null 2>&1 || lacking \
            'System packages are missing, and there is no sudo to install them with. As root, run:' \
            "    apt-get update && apt-get install --no-install-recommends $missing"
        as_root=sudo
    fi
    say "Installing system packages: $missing"
    # The lists may be absent (then nothing is known by these names) or too old (then the files are gone).
    # $missing is a list, and $as_root may be nothing.
    # shellcheck disable=SC2086
    if ! is_known_to_apt $missing || ! apt_get install $missing; then
        apt_get update && apt_get install $missing
    fi || lacking 'apt-get could not install them. Once this works, run it again:' \
        "    ${as_root:+$as_root }apt-get update && ${as_root:+$as_root }apt-get install --no-install-recommends $missing"
}

is_known_to_apt() {
    for package; do
        apt-cache show "$package" >/dev/null 2>&1 || return 1
    done
}

apt_get() {
    verb=$1
    shift
    # shellcheck disable=SC2086
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 \
        "$verb" -y --no-install-recommends "$@"
}

advice() {
    if command -v dnf >/dev/null 2>&1; then
        say 'On Fedora: sudo dnf install gcc-c++ pkgconf-pkg-config clang clang-devel opencv-devel ffmpeg-free-devel alsa-lib-devel'
    elif command -v pacman >/dev/null 2>&1; then
        say 'On Arch: sudo pacman -S --needed base-devel pkgconf clang opencv vtk hdf5 qt6-base ffmpeg alsa-lib'
    elif command -v zypper >/dev/null 2>&1; then
        say 'On openSUSE: sudo zypper install gcc-c++ pkgconf clang clang-devel opencv-devel ffmpeg-7-libavcodec-devel' \
            'ffmpeg-7-libavformat-devel ffmpeg-7-libavutil-devel ffmpeg-7-libswscale-devel ffmpeg-7-libswresample-devel alsa-devel'
    elif command -v apk >/dev/null 2>&1; then
        say 'On Alpine: apk add build-base pkgconf clang clang-dev opencv-dev ffmpeg-dev alsa-lib-dev, and Rust from apk too'
    elif [ "$(uname)" = Darwin ]; then
        say 'On macOS: xcode-select --install; brew install pkgconf llvm opencv ffmpeg'
    else
        say 'Install a C++ compiler, pkg-config, clang with libclang, OpenCV 4, FFmpeg and on Linux ALSA, each with its headers.'
    fi
}
