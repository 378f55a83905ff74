#!/bin/sh
# Makes the videos of this folder again, with an ffmpeg program that has libx264, libx265, libvpx and libaom,
# and prints what the table in README.md says.
set -eu
cd "$(dirname "$0")"

make() { # NAME SIZE SECONDS PIXEL_FORMAT ENCODER-OPTIONS...
    name=$1 size=$2 seconds=$3 format=$4
    shift 4
    ffmpeg -hide_banner -loglevel error -y -f lavfi -i "testsrc2=size=128x72:rate=25:duration=$seconds" \
        -vf "scale=$size,format=$format" "$@" -map_metadata -1 -bitexact "$name.mp4"
}

make low 64:36 3 yuv420p -c:v libx264 -crf 32 -g 20 -keyint_min 20 -sc_threshold 0 -bf 3
make high 98:54 3 yuv420p -c:v libx264 -crf 32 -g 27 -keyint_min 27 -sc_threshold 0 -bf 3
make odd444 65:37 1 yuv444p -c:v libx264 -crf 32 -g 12 -bf 2
make deep 64:36 1 yuv420p10le -c:v libx264 -crf 32 -g 12 -bf 2
make full 64:36 1 yuvj420p -c:v libx264 -crf 32 -g 12 -bf 2
make hevc 64:36 1 yuv420p -c:v libx265 -x265-params log-level=none:keyint=12:info=0 -crf 32 -tag:v hvc1
make vp9 65:37 1 yuv420p -c:v libvpx-vp9 -crf 45 -b:v 0 -g 12
make av1 64:36 0.4 yuv420p -c:v libaom-av1 -crf 45 -cpu-used 8 -g 5

for file in *.mp4; do
    size=$(ffprobe -v error -select_streams v -show_entries stream=width,height -of csv=p=0:s=x "$file")
    frames=$(ffprobe -v error -count_frames -select_streams v -show_entries stream=nb_read_frames -of csv=p=0 "$file")
    sum=$(ffmpeg -v error -i "$file" -map 0:v -f rawvideo -pix_fmt yuv420p - | sha256sum | cut -d ' ' -f 1)
    echo "| ${file%.mp4} | $size | $frames | \`$sum\` |"
done
