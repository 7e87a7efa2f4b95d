/** The image of a cell, as parquet files of the hub store it: `{ bytes, path }`, of which one may be null. */
import { checkObject, checkText } from '@evolmm/internal'
import { EvolmmError } from '../errors'
import type { DataRow } from './row-reader'

/** The bytes of an image file, or its path. */
export type ImageFile = Uint8Array | string

export function rowImage(row: DataRow, column: string): ImageFile {
  checkObject('row', row)
  checkText('column', column)
  const cell = row[column]
  const image = cellImage(cell)
  if (image !== undefined) return image
  throw new EvolmmError(
    'IMAGE_MISSING',
    `${column}: must hold an image ({ bytes, path }), got ${cell === null ? 'null' : typeof cell}; choose the data set that the task is made for`,
    { details: { column } },
  )
}

/** The image that bytes or a struct of a parquet file hold; `undefined` for a cell that holds none. */
export function cellImage(cell: unknown): ImageFile | undefined {
  if (cell instanceof Uint8Array) return cell
  if (typeof cell !== 'object' || cell === null || !('bytes' in cell)) return undefined
  const { bytes, path } = cell as { bytes: unknown; path?: unknown }
  if (bytes instanceof Uint8Array) return bytes
  return typeof path === 'string' && path !== '' ? path : undefined
}
