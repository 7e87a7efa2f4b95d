/**
 * One large picture through the published vision tower: pnpm bench:picture [--patches=4096] [--blocks=32] [--whole] [--keep=FOLDER]
 *
 * The tower of Qwen2.5-VL (32 blocks of width 1280) with random weights in float32 encodes a picture of `--patches` patches
 * once, as `encodeImage` does, in a process of its own. It says the seconds, the processor time, the peak of resident memory,
 * the part of it that is mapped from files, as the weights are, which the system can take back, and the private rest.
 * `--blocks=N` makes a tower of so many, every eighth of which sees all of the picture; with fewer than eight it is the last.
 * `--whole` makes all scores at once, as before chunks of queries. `--keep` keeps the checkpoint in a folder, or finds it.
 * A picture of 12,845,056 pixels has 65,536 patches and takes a core some forty minutes. Linux only.
 */
import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { externalData } from '@evolmm/onnx'
import ndarray from 'ndarray'
import { readBackbone } from '../src/backbones/open-backbone.ts'
import { gridLayout } from '../src/backbones/parts/patch-grid.ts'
import { openCheckpoint } from '../src/checkpoint/open-checkpoint.ts'
import { encodeProgram } from '../src/programs/encode-program.ts'
import { openProgram } from '../src/runtime/session.ts'
import shape from './picture.json'
import { randomModel } from './random-model.mjs'

const { values: options } = parseArgs({
  options: {
    patches: { type: 'string', default: '4096' },
    blocks: { type: 'string', default: '32' },
    threads: { type: 'string', default: '1' },
    whole: { type: 'boolean', default: false },
    keep: { type: 'string' },
    /** The checkpoint, for the process that is measured. */
    run: { type: 'string' },
  },
})

if (options.run === undefined) {
  const root = options.keep === undefined ? mkdtempSync(join(tmpdir(), 'evolmm-picture-')) : undefined
  const folder = resolve(options.keep ?? join(root, 'model'))
  try {
    if (!existsSync(join(folder, 'config.json')))
      await randomModel(ofBlocks(Number(options.blocks)), { folder })
    const given = Object.entries(options).flatMap(([name, value]) =>
      name === 'keep' || value === false ? [] : [value === true ? `--${name}` : `--${name}=${value}`],
    )
    execFileSync(process.execPath, [fileURLToPath(import.meta.url), ...given, `--run=${folder}`], {
      stdio: 'inherit',
    })
  } finally {
    if (root !== undefined) rmSync(root, { recursive: true })
  }
} else await encode(options.run)

async function encode(folder) {
  const backbone = await readBackbone(folder)
  const { vision } = backbone
  const checkpoint = await openCheckpoint(folder, backbone)
  const files = {
    ...(await externalData(checkpoint.tensors.values())),
    loops: options.whole ? 'none' : 'all',
  }
  const program = await openProgram(encodeProgram({ vision, files, one: true }), {
    folder: files.folder,
    prepack: false,
    threads: Number(options.threads),
  })
  const count = Number(options.patches)
  const layout = gridLayout(nearlySquare(count), { patchSize: 14, mergeSize: 2 })
  const { patchSize } = vision.shape
  const data = new Float32Array(count * patchSize)
  for (let i = 0; i < data.length; i++) data[i] = Math.sin(i)
  const feeds = vision.feeds([[{ ...layout, pixels: ndarray(data, [count, patchSize]) }]])
  writeFileSync('/proc/self/clear_refs', '5') // forget the peak of opening the program
  const [start, cpu] = [performance.now(), process.cpuUsage()]
  const { features } = await program.run(feeds)
  const used = process.cpuUsage(cpu)
  const norm = Math.sqrt(features.data.reduce((sum, value) => sum + value * value, 0) / features.data.length)
  // What is mapped from files was so at the peak as well, where there is memory for it.
  const [peak, mapped] = ['VmHWM', 'RssFile'].map(resident)
  console.log(
    `${count} patches${options.whole ? ', all scores at once' : ''}: ` +
      `${((performance.now() - start) / 1e3).toFixed(1)} s, ` +
      `${((used.user + used.system) / 1e6).toFixed(1)} s of processor time, ` +
      `peak ${megabytes(peak)}, ${megabytes(mapped)} of it mapped files and ${megabytes(peak - mapped)} private, ` +
      `root mean square of ${features.dims.join(' x ')} features ${norm.toFixed(6)}`,
  )
}

/** The published tower with so many blocks. */
function ofBlocks(depth) {
  const fullatt_block_indexes = shape.vision.fullatt_block_indexes.filter((block) => block < depth)
  if (fullatt_block_indexes.length === 0) fullatt_block_indexes.push(depth - 1)
  return { ...shape, vision: { ...shape.vision, depth, fullatt_block_indexes } }
}

function megabytes(bytes) {
  return `${(bytes / 1e6).toFixed(0)} MB`
}

/** Frames, rows and columns, even ones, of so many patches. */
function nearlySquare(patches) {
  let rows = 2 * Math.floor(Math.sqrt(patches) / 2)
  while (patches % rows !== 0 || (patches / rows) % 2 !== 0) rows -= 2
  return [1, rows, patches / rows]
}

/** A figure of this process in bytes; peaks are kept by the kernel. */
function resident(field) {
  return Number(new RegExp(`${field}:\\s*(\\d+)`).exec(readFileSync('/proc/self/status', 'utf8'))[1]) * 1024
}
