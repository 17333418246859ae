// Merges the coverage of src over all lanes: prints a table, and fails below the threshold.
import { existsSync, readFileSync } from 'node:fs'
import coverage from 'istanbul-lib-coverage'
import report from 'istanbul-lib-report'
import reports from 'istanbul-reports'
import { lanes } from './lanes.mjs'

const minLines = 98

const coverageMap = coverage.createCoverageMap({})
for (const lane of ['first', ...lanes]) {
  const path = `coverage/${lane}/coverage-final.json`
  if (existsSync(path)) coverageMap.merge(JSON.parse(readFileSync(path, 'utf8')))
}
reports.create('text').execute(report.createContext({ coverageMap }))
const { pct } = coverageMap.getCoverageSummary().lines
process.stdout.write(`${pct} % of the lines of src are covered; the threshold is ${minLines} %.\n`)
process.exitCode = pct >= minLines ? 0 : 1
