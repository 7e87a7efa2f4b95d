/**
 * The libraries of CUDA 12 and cuDNN 9 that the runtime's CUDA provider is linked with on Linux, where the loader finds
 * them, and how to get those that it does not.
 */
import { execFile } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Environment } from './cards'

export interface CudaLibrary {
  name: string
  /** The file that the loader takes; `null` where it finds none. */
  file: string | null
  /** A folder that has it and that the loader does not look into. */
  elsewhere: string | null
  /** Packages that hold it: of NVIDIA's repository for apt, and of PyPI. */
  apt: string
  pip: string
}

/** Names by the runtime's CUDA provider, with the packages of CUDA 12.9, the last of 12. */
const needed: readonly Pick<CudaLibrary, 'name' | 'apt' | 'pip'>[] = [
  { name: 'libcudart.so.12', apt: 'cuda-cudart-12-9', pip: 'nvidia-cuda-runtime-cu12' },
  { name: 'libcublas.so.12', apt: 'libcublas-12-9', pip: 'nvidia-cublas-cu12' },
  { name: 'libcublasLt.so.12', apt: 'libcublas-12-9', pip: 'nvidia-cublas-cu12' },
  { name: 'libcufft.so.11', apt: 'libcufft-12-9', pip: 'nvidia-cufft-cu12' },
  { name: 'libcurand.so.10', apt: 'libcurand-12-9', pip: 'nvidia-curand-cu12' },
  { name: 'libnvrtc.so.12', apt: 'cuda-nvrtc-12-9', pip: 'nvidia-cuda-nvrtc-cu12' },
  { name: 'libcudnn.so.9', apt: 'libcudnn9-cuda-12', pip: 'nvidia-cudnn-cu12' },
]

export interface CudaPlaces {
  environment: Environment
  /** Folders that the loader looks into by itself, and its table: `ldconfig -p`. */
  system: readonly string[]
  table: () => Promise<string>
  /** Folders where CUDA and pip put libraries, and where nothing looks unless told. */
  others: () => string[]
}

const usual = [
  '/lib/x86_64-linux-gnu',
  '/usr/lib/x86_64-linux-gnu',
  '/lib64',
  '/usr/lib64',
  '/lib',
  '/usr/lib',
]

export function cudaPlaces(environment: Environment = process.env): CudaPlaces {
  return { environment, system: usual, table: loaderTable, others: () => installFolders('/', environment) }
}

/** What is needed and where it is. Nothing is loaded. */
export async function cudaLibraries(places: CudaPlaces = cudaPlaces()): Promise<CudaLibrary[]> {
  const { LD_LIBRARY_PATH: given = '' } = places.environment
  const before = given.split(/[:;]/).filter((folder) => folder !== '')
  const table = new Map(
    [...(await places.table()).matchAll(/^\s*(\S+) \(([^)]*)\) => (\S+)$/gm)]
      .filter(([, , kind]) => kind.includes('x86-64'))
      .map(([, name, , file]): [string, string] => [name, file]),
  )
  const others = places.others()
  return needed.map(({ name, ...packages }) => {
    const among = (folders: readonly string[]) => folders.find((folder) => existsSync(join(folder, name)))
    const first = among(before)
    const listed = table.get(name)
    const folder = first ?? (listed !== undefined && existsSync(listed) ? undefined : among(places.system))
    const file = folder === undefined ? (listed ?? null) : join(folder, name)
    const found = file !== null && existsSync(file) ? file : null
    return { name, file: found, elsewhere: found === null ? (among(others) ?? null) : null, ...packages }
  })
}

/** Sentences that say how to get what is missing; none where nothing is. */
export function cudaAdvice(
  libraries: readonly CudaLibrary[],
  environment: Environment = process.env,
): string[] {
  const missing = libraries.filter(({ file }) => file === null)
  const folders = [...new Set(missing.flatMap(({ elsewhere }) => elsewhere ?? []))]
  const absent = missing.filter(({ elsewhere }) => elsewhere === null)
  const packages = (of: 'apt' | 'pip') => [...new Set(absent.map((library) => library[of]))].join(' ')
  const path = (parts: readonly string[]) => {
    const old = environment.LD_LIBRARY_PATH ?? ''
    return `export LD_LIBRARY_PATH=${parts.join(':')}${old === '' ? '' : ':$LD_LIBRARY_PATH'}`
  }
  const installed = [...new Set(absent.map(({ pip }) => `$HOME/cuda/nvidia/${folderOf(pip)}/lib`))]
  return [
    ...(folders.length > 0 ? [`what is installed already is found after: ${path(folders)}`] : []),
    ...(absent.length > 0
      ? [
          `with apt, from NVIDIA's repository: apt-get install ${packages('apt')}`,
          `with pip: pip install --target $HOME/cuda ${packages('pip')}, then: ${path(installed)}`,
        ]
      : []),
  ]
}

/** The folder below `nvidia` of a package: cuda_runtime of nvidia-cuda-runtime-cu12. */
function folderOf(pip: string): string {
  return pip
    .replace(/^nvidia-/, '')
    .replace(/-cu\d+$/, '')
    .replaceAll('-', '_')
}

/** Folders below `root` in which installers of CUDA, and pip in an environment or for all, leave libraries. */
export function installFolders(root: string, environment: Environment): string[] {
  const local = below(join(root, 'usr/local'), /^cuda(-12.*)?$/).flatMap((cuda) => [
    join(cuda, 'lib64'),
    join(cuda, 'targets/x86_64-linux/lib'),
  ])
  const home = environment.HOME ?? ''
  const prefixes = [
    environment.VIRTUAL_ENV,
    environment.CONDA_PREFIX,
    home === '' ? undefined : join(home, '.local'),
  ]
  const libraries = [
    ...prefixes.flatMap((prefix) => prefix ?? []),
    join(root, 'usr/local'),
    join(root, 'usr'),
  ]
  const pythons = libraries.flatMap((prefix) => below(join(prefix, 'lib'), /^python3/))
  const sites = pythons.flatMap((python) => [join(python, 'site-packages'), join(python, 'dist-packages')])
  const targets = home === '' ? sites : [...sites, join(home, 'cuda')]
  const wheels = targets.flatMap((site) => below(join(site, 'nvidia'), /./).map((part) => join(part, 'lib')))
  return [...local, ...wheels, ...(environment.CONDA_PREFIX ? [join(environment.CONDA_PREFIX, 'lib')] : [])]
}

/** Entries of a folder by name, as paths; none where there is no such folder. */
function below(folder: string, name: RegExp): string[] {
  try {
    return readdirSync(folder)
      .filter((entry) => name.test(entry))
      .sort()
      .map((entry) => join(folder, entry))
  } catch {
    return []
  }
}

function loaderTable(): Promise<string> {
  const run = (file: string) =>
    new Promise<string | undefined>((settle) => {
      execFile(file, ['-p'], { timeout: 10_000, maxBuffer: 2 ** 24 }, (error, output) => {
        settle(error ? undefined : output)
      })
    })
  return run('/sbin/ldconfig').then(async (found) => found ?? (await run('ldconfig')) ?? '')
}
