#!/bin/sh
# The recipe: sh run.sh plan|check|train|infer|eval [flags of evolmm, which count before config.json]
# EVOLMM: the command (default: evolmm). RUN: the folder of the run (default: runs/qwen-7b-lora).
set -eu
here=$(cd "$(dirname "$0")" && pwd)
evolmm=${EVOLMM:-evolmm}
run=${RUN:-runs/qwen-7b-lora}
model=Qwen/Qwen2.5-VL-7B-Instruct
command=${1:-help}
[ $# -eq 0 ] || shift

# The newest whole checkpoint.
checkpoint() {
  newest=
  for folder in "$run"/step_*; do
    if [ -e "$folder/SAVE_OK" ]; then newest=$folder; fi
  done
  if [ -z "$newest" ]; then
    echo "$run: must hold a checkpoint, got none; train first, or set RUN" >&2
    exit 2
  fi
  echo "$newest"
}

# $evolmm may be a command of several words.
case $command in
  plan) $evolmm plan --config "$here/config.json" --image_size 896x896 --memory 80GB "$@" ;;
  check) $evolmm train --config "$here/config.json" --dry_run "$@" ;;
  # The same command goes on from the newest checkpoint.
  train) $evolmm train --config "$here/config.json" "$@" ;;
  infer)
    adapter=$(checkpoint)
    $evolmm infer --model $model --device cuda --dtype bfloat16 --adapter "$adapter" "$@"
    ;;
  eval)
    adapter=$(checkpoint)
    $evolmm eval --model $model --device cuda --dtype bfloat16 --adapter "$adapter" --with_base --tasks chartqa --output_path "$run/eval" "$@"
    ;;
  *)
    echo "sh run.sh plan|check|train|infer|eval [flags of evolmm]; see README.md" >&2
    exit 2
    ;;
esac
