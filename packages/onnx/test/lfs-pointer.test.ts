/** What git-LFS leaves in the place of a model is called by its name. */
import { expect, test } from 'vitest'
import { parse } from '../src'

test('a pointer of git-LFS is called by its name', () => {
  const text = `version https://git-lfs.github.com/spec/v1\noid sha256:${'a'.repeat(64)}\nsize 123\n`
  expect(() => parse(new TextEncoder().encode(text))).toThrow('got a pointer of git-LFS; run "git lfs pull"')
})
