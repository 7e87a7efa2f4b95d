/** The one bundling configuration: every package builds ESM and CJS with types from `src/index.ts`. */
import type { Options } from 'tsup'

export const library: Options = {
  entry: ['src/index.ts'],
  format: ['esm', 'cjs'],
  target: 'node20',
  // @evolmm/internal is never published: its code and its types are inlined.
  noExternal: ['@evolmm/internal'],
  dts: {
    resolve: ['@evolmm/internal'],
    // tsup 8 passes `baseUrl`, which TypeScript 6 refuses unless told otherwise.
    compilerOptions: { ignoreDeprecations: '6.0' },
  },
  sourcemap: true,
  treeshake: true,
  clean: true,
}
