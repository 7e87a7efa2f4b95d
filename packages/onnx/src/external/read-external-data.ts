/** Contents of constants that lie in files beside a model. */
import { EvolmmError } from '../errors'
import { kindOf } from '../graph/graph'
import { checkTensorData, type ExternalData, type InlineData, type TensorData } from '../graph/tensor-data'
import { badFile, checkExtent, dataFile } from './data-file'

/** The contents of `data`, read from its file within `folder`, that of the model; inline data are given back as they are. */
export async function readExternalData(data: TensorData, folder: string): Promise<InlineData> {
  if (typeof data !== 'object' || (data as unknown) === null || !('location' in data || 'bytes' in data))
    throw new EvolmmError(
      'INVALID_OPTION',
      `readExternalData.data: must be tensor data, got ${kindOf(data)}; pass what readInitializer gives`,
      { details: { option: 'data' } },
    )
  if ('bytes' in data) return data
  checkTensorData('readExternalData', data)
  const { dtype, dims, location } = data
  const file = await dataFile(folder, location, location)
  checkExtent(file, data, location)
  return { dtype, dims, bytes: await readBytes(file.path, data) }
}

function allocated(length: number, location: string): Uint8Array {
  try {
    return new Uint8Array(length)
  } catch (cause) {
    throw new EvolmmError(
      'DATA_SIZE',
      `readExternalData: contents must fit into one array, got ${length} bytes of ${JSON.stringify(location)}; let the runtime read them`,
      { cause, details: { location, length } },
    )
  }
}

async function readBytes(path: string, { location, offset, length }: ExternalData): Promise<Uint8Array> {
  const { open } = await import('node:fs/promises')
  const bytes = allocated(length, location)
  const handle = await open(path)
  try {
    for (let read = 0; read < length;) {
      const { bytesRead } = await handle.read(bytes, read, Math.min(length - read, 2 ** 30), offset + read)
      if (bytesRead === 0) throw badFile(location, location, `must have ${length} bytes, got ${read}`)
      read += bytesRead
    }
  } finally {
    await handle.close()
  }
  return bytes
}
