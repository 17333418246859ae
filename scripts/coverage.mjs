// What of src the tests of several lanes reached together: a table, and an error where it is less than it has to be.
import { existsSync, readFileSync } from 'node:fs'
import coverage from 'istanbul-lib-coverage'
import report from 'istanbul-lib-report'
import reports from 'istanbul-reports'
import { lanes } from './lanes.mjs'

const leastLines = 98

const coverageMap = coverage.createCoverageMap({})
for (const lane of ['first', ...lanes]) {
  const path = `coverage/${lane}/coverage-final.json`
  if (existsSync(path)) coverageMap.merge(JSON.parse(readFileSync(path, 'utf8')))
}
reports.create('text').execute(report.createContext({ coverageMap }))
const { pct } = coverageMap.getCoverageSummary().lines
process.stdout.write(`${pct} % of the lines of src are reached; ${leastLines} % have to be.\n`)
process.exitCode = pct >= leastLines ? 0 : 1
