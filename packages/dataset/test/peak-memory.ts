/**
 * CommonJS expression for the most memory that the process had resident, MB. Not `maxRSS` alone, which on Linux begins
 * with that of the process that started this one, here the test runner.
 */
export const peakMegabytes = `(process.platform === 'linux'
  ? /^VmHWM:\\s+(\\d+) kB$/m.exec(require('node:fs').readFileSync('/proc/self/status', 'utf8'))[1]
  : process.resourceUsage().maxRSS) / 1024`
