import { testOptionNames } from '@evolmm/internal/testing'
import { datasetFiles, downloadSnapshot, hubCacheFolder, resolveRepo } from '../src/index'

testOptionNames([
  ['datasetFiles', (options) => datasetFiles({ file: 'a' }, options), { folders: 1 }, 'folder'],
  ['downloadSnapshot', (options) => downloadSnapshot('a/b', options), { revison: 1 }, 'revision'],
  ['hubCacheFolder', hubCacheFolder, { cacheFolders: 1 }, 'cacheFolder'],
  ['resolveRepo', (options) => resolveRepo('.', options), { onWarnings: 1 }, 'onWarning'],
])
