/** The image of a cell, as parquet files of the hub store it: `{ bytes, path }`, of which one may be absent. */
import { EvolmmError } from '@evolmm/internal'
import type { Row, TaskImage } from '../task'

export function rowImage(row: Row, column: string): TaskImage {
  const cell = row[column]
  if (cell instanceof Uint8Array) return cell
  if (typeof cell === 'object' && cell !== null) {
    const { bytes, path } = cell as { bytes?: unknown; path?: unknown }
    if (bytes instanceof Uint8Array) return bytes
    if (typeof path === 'string' && path !== '') return path
  }
  throw new EvolmmError(
    'IMAGE_MISSING',
    `${column}: must hold an image ({ bytes, path }), got ${cell === null ? 'null' : typeof cell}; choose the data set that the task is made for`,
    { details: { column } },
  )
}
