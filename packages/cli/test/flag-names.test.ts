import { expect, test } from 'vitest'
import { nameFlags } from '../src/flag-names'

test.each([
  [
    'prompt: must fit, got 9 tokens; shorten it, lower maxNewTokens, or scale the image down with maxPixels',
    'prompt: must fit, got 9 tokens; shorten it, lower --max_new_tokens, or scale the image down with --max_pixels',
  ],
  [
    'check the folder or pass adapterName',
    'check the folder or pass --adapter_subfolder',
  ],
  ['half the pixels of an image (maxPixels)', 'half the pixels of an image (--max_pixels)'],
  ['topP: must be a finite number', '--top_p: must be a finite number'],
  ['free some or choose another cacheDir', 'free some or choose another --cache_dir'],
])('options become flags: %s', (message, flags) => {
  expect(nameFlags(message)).toBe(flags)
})

test.each(['/home/topK/maxPixels: must be a folder', 'got "a maxPixels \\" topP b"', 'maxPixelsOf', 'x.topK'])(
  'parts of a path, of anything quoted and of longer words stay: %s',
  (message) => {
    expect(nameFlags(message)).toBe(message)
  },
)
