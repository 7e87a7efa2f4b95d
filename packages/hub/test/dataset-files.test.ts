import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { isolated, serveHub, temporaryFolder } from '@evolmm/internal/testing'
import { expect, test } from 'vitest'
import { datasetFiles, type DatasetFilesOptions, type HubDataset } from '../src/index'

const source = { dataset: 'org/set', files: 'data/test-*.parquet' }

function put(folder: string, ...paths: string[]): void {
  for (const path of paths) {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), path)
  }
}

/** The paths found, from `folder`. */
async function found(folder: string, of: HubDataset = source): Promise<string[]> {
  return (await datasetFiles(of, { folder })).paths.map((path) => relative(folder, path))
}

test('the files of a split, in order, and no others', async () => {
  const folder = temporaryFolder()
  put(folder, 'data/test-00001-of-00002.parquet', 'data/test-00000-of-00002.parquet')
  put(folder, 'data/train-00000-of-00001.parquet', 'test-00000-of-00001.parquet')
  expect(await found(folder)).toEqual([
    'data/test-00000-of-00002.parquet',
    'data/test-00001-of-00002.parquet',
  ])
})

test('one folder may hold copies of several data sets', async () => {
  const folder = temporaryFolder()
  put(folder, 'org/set/data/test-00000-of-00001.parquet', 'set/test-00000-of-00002.parquet')
  put(folder, 'data/test-00000-of-00002.parquet')
  expect(await found(folder)).toEqual(['org/set/data/test-00000-of-00001.parquet'])
  await expect(found(folder, { ...source, dataset: 'else/set' })).rejects.toMatchObject({
    code: 'DATASET_INCOMPLETE',
    details: { folder: join(folder, 'set') },
  })
})

test('files may lie directly in the folder, and have names without a number', async () => {
  const folder = temporaryFolder()
  put(folder, 'test-00000-of-00001-0123456789abcdef.parquet', 'one.parquet')
  expect(await found(folder)).toEqual(['test-00000-of-00001-0123456789abcdef.parquet'])
  expect(await found(folder, { ...source, files: 'one.parquet' })).toEqual(['one.parquet'])
})

test('a split with a missing shard is refused', async () => {
  const folder = temporaryFolder()
  put(folder, 'data/test-00000-of-00003.parquet', 'data/test-00002-of-00003.parquet')
  await expect(found(folder)).rejects.toMatchObject({
    code: 'DATASET_INCOMPLETE',
    details: { expected: 3, found: 2 },
  })
})

test('a folder without the files is an error that says what is there', async () => {
  const folder = temporaryFolder()
  put(folder, 'other.parquet')
  await expect(found(folder)).rejects.toMatchObject({
    code: 'DATASET_FILES_NOT_FOUND',
    message: expect.stringContaining('got other.parquet') as string,
  })
  await expect(found(join(folder, 'none'))).rejects.toThrow(/got nothing/)
  await expect(found('x'.repeat(5000))).rejects.toMatchObject({ code: 'UNREADABLE_FILE' })
})

test('the revision of local files changes with them, at their ends where they are large', async () => {
  const file = join(temporaryFolder(), 'questions.jsonl')
  const revision = async (text: string) => {
    writeFileSync(file, text)
    const files = await datasetFiles({ file })
    expect(files.paths).toEqual([file])
    return files.revision
  }
  const first = await revision('{"id": 1}\n')
  expect(first).toMatch(/^files-[0-9a-f]{16}$/)
  expect(await revision('{"id": 2}\n')).not.toBe(first)
  expect(await revision('{"id": 1}\n')).toBe(first)
  const large = ' '.repeat(3_000_000)
  expect(await revision(`${large}a`)).not.toBe(await revision(`${large}b`))
  await expect(datasetFiles({ file: `${file}.gone` })).rejects.toMatchObject({ code: 'UNREADABLE_FILE' })
})

test('from the hub the files of the split alone are downloaded, and found again offline', async () => {
  const commit = 'c'.repeat(40)
  const files = {
    'README.md': 'x',
    'data/test-00000-of-00001.parquet': 'test',
    'data/train-00000-of-00001.parquet': 'train',
  }
  const hub = await serveHub({ id: 'org/set', commit, type: 'datasets', branches: ['main', 'v1'], files })
  const options = isolated({ endpoint: hub.endpoint, revision: 'v1' })
  const { paths, revision } = await datasetFiles(source, options)
  expect(revision).toBe(commit)
  expect(paths.map((path) => path.slice(path.indexOf(commit)))).toEqual([
    join(commit, 'data/test-00000-of-00001.parquet'),
  ])
  expect(hub.transfers('train')).toEqual([])
  const requests = hub.requests.length
  expect(await datasetFiles(source, { ...options, offline: true })).toEqual({ paths, revision })
  expect(hub.requests).toHaveLength(requests)
})

test('a cache that another library filled is read at the named revision', async () => {
  const home = temporaryFolder()
  const commit = 'c0ffee'.padEnd(40, '0')
  const repository = join(home, 'hub', 'datasets--org--set')
  put(repository, 'blobs/content')
  mkdirSync(join(repository, 'refs'))
  writeFileSync(join(repository, 'refs', 'main'), commit)
  const file = join(repository, 'snapshots', commit, 'data', 'test-00000-of-00001.parquet')
  mkdirSync(dirname(file), { recursive: true })
  symlinkSync('../../../blobs/content', file)
  const offline = (options: DatasetFilesOptions) => datasetFiles(source, { ...options, offline: true })
  for (const options of [
    { environment: { HF_HOME: home } },
    { environment: { HF_HUB_CACHE: join(home, 'hub') }, revision: 'main' },
    { environment: { HUGGINGFACE_HUB_CACHE: join(home, 'hub') }, revision: commit },
  ])
    expect(await offline(options)).toEqual({ paths: [file], revision: commit })
  for (const options of [
    { environment: { HF_HOME: '/nowhere' } },
    { environment: { HF_HOME: home }, revision: 'v2' },
  ])
    await expect(offline(options)).rejects.toMatchObject({ code: 'HUB_NOT_CACHED' })
})
