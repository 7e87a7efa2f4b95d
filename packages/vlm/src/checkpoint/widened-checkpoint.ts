/**
 * A float32 twin of a 16-bit checkpoint, made once and kept. The CPU runtime maps float32 weights from the file as
 * they are, but would copy 16-bit ones to memory in every process.
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
import { openFiles, type Checkpoint, type CheckpointTensor, type ExpectedWeights } from './open-checkpoint'
import { weightSource } from './read-tensor'
import { writeSafetensors } from './write-safetensors'

export interface WidenedCheckpointOptions {
  /** Folder of twins, made if need be. @default `$XDG_CACHE_HOME/evolmm/weights`, or `~/.cache/evolmm/weights` */
  cacheDir?: string
  /** Called before a twin is written, not when one is found; `bytes` is its size. */
  onWrite?: (twin: { file: string; bytes: number }) => void
}

const page = 4096

/** A left-over that nobody has written to for this long (ms) is a dead process's. */
const deadAfter = 3_600_000

/**
 * The checkpoint itself if all of it is float32, or else its twin, written if need be. Throws `NO_SPACE` before
 * writing if the disk is too full, `CHECKPOINT_CHANGED`, `UNREADABLE_FILE` or `UNWRITABLE_FILE`.
 */
export async function widenedCheckpoint(
  checkpoint: Checkpoint,
  { cacheDir = defaultCacheDir(), onWrite }: WidenedCheckpointOptions = {},
): Promise<Checkpoint> {
  const tensors = [...checkpoint.tensors.values()]
  if (tensors.every(({ dtype }) => dtype === 'float32')) return checkpoint
  const key = await keyOf(tensors)
  const file = join(cacheDir, `${key}.safetensors`)
  const expected = new Map(tensors.map(({ name, shape }) => [name, shape]))
  const found = await openTwin(file, expected)
  if (found !== undefined) return found
  await makeFolder(cacheDir).catch(unwritable(cacheDir))
  await removeLeftovers(cacheDir)
  const bytes = tensors.reduce((sum, { shape }) => sum + sizeOf(shape), 0)
  await checkSpace(cacheDir, bytes)
  onWrite?.({ file, bytes })
  const sources = tensors.toSorted((a, b) => alignmentOf(b.shape) - alignmentOf(a.shape)).map(weightSource)
  await writeSafetensors(file, sources, { alignment: page })
  if ((await keyOf(tensors)) !== key) {
    await rm(file, { force: true })
    const changed = tensors[0]?.file ?? ''
    throw new EvolmmError(
      'CHECKPOINT_CHANGED',
      `${changed}: must stay as it is while it is widened, got another version; open the checkpoint again`,
      { details: { file: changed } },
    )
  }
  return openFiles(file, [file], expected)
}

/** The twin if it is there and whole. A damaged one counts as absent and is replaced. */
async function openTwin(file: string, expected: ExpectedWeights): Promise<Checkpoint | undefined> {
  if ((await stat(file).catch(() => undefined)) === undefined) return undefined
  const twin = await openFiles(file, [file], expected).catch(() => undefined)
  const whole = twin !== undefined && [...twin.tensors.values()].every(({ dtype }) => dtype === 'float32')
  return whole ? twin : undefined
}

async function keyOf(tensors: readonly CheckpointTensor[]): Promise<string> {
  const hash = createHash('sha256').update('evolmm widened weights, version 1\n')
  for (const file of [...new Set(tensors.map((tensor) => tensor.file))].sort()) {
    const { size, mtimeNs } = await stat(file, { bigint: true }).catch(unreadable(file))
    hash.update(`${JSON.stringify([file, String(size), String(mtimeNs)])}\n`)
  }
  for (const { name, file, dtype, shape, offset } of tensors)
    hash.update(`${JSON.stringify([name, file, dtype, shape, offset])}\n`)
  return hash.digest('hex').slice(0, 40)
}

async function checkSpace(cacheDir: string, bytes: number): Promise<void> {
  const { bavail, bsize } = await statfs(cacheDir).catch(unreadable(cacheDir))
  const free = bavail * bsize
  // The header is far below this.
  const needed = bytes + (16 << 20)
  if (free >= needed) return
  throw new EvolmmError(
    'NO_SPACE',
    `${cacheDir}: must have ${needed} bytes free for the weights as float32, got ${free}; free some or choose another cacheDir`,
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
function alignmentOf(shape: readonly number[]): number {
  const bytes = sizeOf(shape)
  let power = 4
  while (power < page && bytes % (2 * power) === 0) power *= 2
  return power
}

function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, dim) => product * dim, 4)
}

/** Where twins are kept unless told otherwise. */
export function defaultCacheDir(): string {
  const base = process.env.XDG_CACHE_HOME
  return join(base === undefined || base === '' ? join(homedir(), '.cache') : base, 'evolmm', 'weights')
}
