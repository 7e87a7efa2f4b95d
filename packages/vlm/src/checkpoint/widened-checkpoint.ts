/**
 * A checkpoint in another type, made once and kept: its twin. The CPU runtime maps float32 weights from the file as they
 * are, but would copy 16-bit ones to memory in every process; a GPU computes with 16 bits of the one kind that was asked
 * for, and WebGPU has no bfloat16, in which most checkpoints are published.
 *
 * The twin's name is a hash of what the source is (real paths, sizes, times of change, headers), so a source that
 * changes has another twin. It is written aside and renamed: processes may race, and what a killed one leaves behind
 * is never used. Tensors whose size allows it begin on a page: the first one does, and those with the largest power
 * of two in their size come first.
 */
import { createHash } from 'node:crypto'
import { readdir, rm, stat, statfs } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { EvolmmError } from '@evolmm/internal'
import { makeFolder, unreadable, unwritable } from '@evolmm/internal/node'
import {
  openFiles,
  type Checkpoint,
  type CheckpointTensor,
  type ExpectedWeights,
  type WeightType,
} from './open-checkpoint'
import { weightSource } from './read-tensor'
import { bytesOf, writeSafetensors } from './write-safetensors'

export interface WidenedCheckpointOptions {
  /** Folder of twins, made if need be. @default `$XDG_CACHE_HOME/evolmm/weights`, or `~/.cache/evolmm/weights` */
  cacheDir?: string
  /** Type of the weights. @default 'float32' */
  dtype?: WeightType
  /** Called before a twin is written, not when one is found; `bytes` is its size. */
  onWrite?: (twin: { file: string; bytes: number }) => void
}

const page = 4096

/** A left-over that nobody has written to for this long (ms) is a dead process's. */
const deadAfter = 3_600_000

/**
 * The checkpoint itself if all of it is of that type, or else its twin, written if need be. Vectors (norms, biases) may be
 * float32 beside 16-bit matrices. Throws `NO_SPACE` before
 * writing if the disk is too full, `CHECKPOINT_CHANGED`, `UNREADABLE_FILE` or `UNWRITABLE_FILE`.
 */
export async function widenedCheckpoint(
  checkpoint: Checkpoint,
  { cacheDir = defaultCacheDir(), dtype = 'float32', onWrite }: WidenedCheckpointOptions = {},
): Promise<Checkpoint> {
  const tensors = [...checkpoint.tensors.values()]
  if (isOf(dtype, tensors)) return checkpoint
  const key = await keyOf(tensors, dtype)
  const file = join(cacheDir, `${key}.safetensors`)
  const expected = new Map(tensors.map(({ name, shape }) => [name, shape]))
  const found = await openTwin(file, expected, dtype)
  if (found !== undefined) return found
  await makeFolder(cacheDir).catch(unwritable(cacheDir))
  await removeLeftovers(cacheDir)
  const bytes = tensors.reduce((sum, { shape }) => sum + sizeOf(shape, dtype), 0)
  await checkSpace(cacheDir, bytes, dtype)
  onWrite?.({ file, bytes })
  const sources = tensors
    .toSorted((a, b) => alignmentOf(b.shape, dtype) - alignmentOf(a.shape, dtype))
    .map(weightSource)
  await writeSafetensors(file, sources, { alignment: page, dtype })
  if ((await keyOf(tensors, dtype)) !== key) {
    await rm(file, { force: true })
    const changed = tensors[0]?.file ?? ''
    throw new EvolmmError(
      'CHECKPOINT_CHANGED',
      `${changed}: must stay as it is while it is converted, got another version; open the checkpoint again`,
      { details: { file: changed } },
    )
  }
  return openFiles(file, [file], expected)
}

/** The twin if it is there and whole. A damaged one counts as absent and is replaced. */
async function openTwin(
  file: string,
  expected: ExpectedWeights,
  dtype: WeightType,
): Promise<Checkpoint | undefined> {
  if ((await stat(file).catch(() => undefined)) === undefined) return undefined
  const twin = await openFiles(file, [file], expected).catch(() => undefined)
  const whole = twin !== undefined && [...twin.tensors.values()].every((tensor) => tensor.dtype === dtype)
  return whole ? twin : undefined
}

const isOf = (wanted: WeightType, tensors: readonly CheckpointTensor[]): boolean =>
  tensors.every(({ dtype, shape }) => dtype === wanted || (dtype === 'float32' && shape.length < 2))

async function keyOf(tensors: readonly CheckpointTensor[], wanted: WeightType): Promise<string> {
  const hash = createHash('sha256').update('evolmm widened weights, version 1\n')
  if (wanted !== 'float32') hash.update(`${wanted}\n`)
  for (const file of [...new Set(tensors.map((tensor) => tensor.file))].sort()) {
    const { size, mtimeNs } = await stat(file, { bigint: true }).catch(unreadable(file))
    hash.update(`${JSON.stringify([file, String(size), String(mtimeNs)])}\n`)
  }
  for (const { name, file, dtype, shape, offset } of tensors)
    hash.update(`${JSON.stringify([name, file, dtype, shape, offset])}\n`)
  return hash.digest('hex').slice(0, 40)
}

async function checkSpace(cacheDir: string, bytes: number, dtype: WeightType): Promise<void> {
  const { bavail, bsize } = await statfs(cacheDir).catch(unreadable(cacheDir))
  const free = bavail * bsize
  // The header is far below this.
  const needed = bytes + (16 << 20)
  if (free >= needed) return
  throw new EvolmmError(
    'NO_SPACE',
    `${cacheDir}: must have ${needed} bytes free for the weights as ${dtype}, got ${free}; free some or choose another cacheDir`,
    { details: { folder: cacheDir, needed, free } },
  )
}

async function removeLeftovers(cacheDir: string): Promise<void> {
  for (const name of await readdir(cacheDir).catch(unreadable(cacheDir))) {
    if (!/^\.[0-9a-f]{40}\.safetensors\..*\.tmp$/.test(name)) continue
    const path = join(cacheDir, name)
    const info = await stat(path).catch(() => undefined)
    if (info !== undefined && Date.now() - info.mtimeMs > deadAfter) await rm(path, { force: true })
  }
}

/** Largest power of two, up to a page, that divides the tensor's bytes. */
function alignmentOf(shape: readonly number[], dtype: WeightType): number {
  const bytes = sizeOf(shape, dtype)
  let power = bytesOf[dtype]
  while (power < page && bytes % (2 * power) === 0) power *= 2
  return power
}

function sizeOf(shape: readonly number[], dtype: WeightType): number {
  return shape.reduce((product, dim) => product * dim, bytesOf[dtype])
}

/** Where twins are kept unless told otherwise. */
export function defaultCacheDir(): string {
  const base = process.env.XDG_CACHE_HOME
  return join(base === undefined || base === '' ? join(homedir(), '.cache') : base, 'evolmm', 'weights')
}
