import { testOptionNames } from '@evolmm/internal/testing'
import {
  buildManifest,
  checkImage,
  openImageDataset,
  openRows,
  scanImages,
  shuffledOrder,
} from '../src/index'

testOptionNames([
  ['buildManifest', buildManifest, { root: '.', file: 'm', max_pixels: 1 }, 'maxPixels'],
  ['checkImage', (options) => checkImage('a.png', options), { maxPixel: 1 }, 'maxPixels'],
  ['openImageDataset', openImageDataset, { root: '.', reshufle: true }, 'reshuffle'],
  ['openRows', (options) => openRows({ file: 'a.jsonl' }, options), { colums: [] }, 'columns'],
  ['scanImages', scanImages, { root: '.', includeSubfolder: [] }, 'includeSubfolders'],
  ['shuffledOrder', shuffledOrder, { length: 1, seed: 0, epoch: 0, epochs: 1 }, 'epoch'],
])
