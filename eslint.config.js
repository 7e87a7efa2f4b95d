import js from '@eslint/js'
import tseslint from 'typescript-eslint'
import { noTextLookup } from './scripts/no-text-lookup.mjs'

export default tseslint.config(
  { ignores: ['**/gen/', '**/dist/', '.reports/', '**/node_modules/', '**/.*.bundle.mjs', '**/.bundle-*'] },
  js.configs.recommended,
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked, tseslint.configs.stylisticTypeChecked],
    // One program for all files: a service that opens each file takes twice the time and the memory.
    languageOptions: { parserOptions: { project: './tsconfig.json', tsconfigRootDir: import.meta.dirname } },
    rules: {
      // Numbers and booleans print as one expects; objects in templates are still refused.
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true, allowBoolean: true },
      ],
      // Index loops over typed arrays are the clearest form of numeric code.
      '@typescript-eslint/prefer-for-of': 'off',
      'no-console': 'error',
    },
  },
  {
    files: ['packages/*/src/**/*.ts'],
    plugins: { evolmm: { rules: { 'no-text-lookup': noTextLookup } } },
    rules: {
      'evolmm/no-text-lookup': 'error',
      'no-restricted-properties': [
        'error',
        {
          object: 'JSON',
          property: 'parse',
          message: 'parseJson of @evolmm/internal refuses what is nested too deeply to be gone through.',
        },
      ],
    },
  },
  {
    files: ['packages/*/src/**/*.ts'],
    // These hand on an error of any package, with its code.
    ignores: [
      'packages/internal/**',
      'packages/settings/src/name-option.ts',
      'packages/cli/src/inspect-quietly.ts',
    ],
    rules: {
      'no-restricted-imports': [
        'error',
        {
          name: '@evolmm/internal',
          importNames: ['EvolmmError'],
          message: 'That of errors.ts knows the codes of the package.',
        },
      ],
    },
  },
  {
    files: ['**/*.mjs', '**/*.js'],
    languageOptions: {
      globals: {
        console: 'readonly',
        process: 'readonly',
        performance: 'readonly',
        Buffer: 'readonly',
        URL: 'readonly',
        AbortController: 'readonly',
        setInterval: 'readonly',
        clearInterval: 'readonly',
      },
    },
  },
)
