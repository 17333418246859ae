import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { CommanderError } from 'commander'
import { OperatorError } from '../scripts/shared/operator-error.ts'
import { createProgram, type RunOptions } from './cli.ts'
import { createHarness, type Harness, type Streams } from './harness.ts'
import type { Report, Rule } from './report/report.ts'
import { renderTable } from './report/table.ts'
import { type Scenario, type Settings, settingNames } from './scenario.ts'
import { readTokenFile } from './users.ts'

/**
 * Runs one command line.
 *
 * @param args what follows `npm run load --`
 * @returns the exit code: 0; 1 where a response was wrong, a rule did not hold or the run was not possible; 2 for an
 *   invalid command line; 130 after Ctrl-C
 */
export async function runLoad(args: readonly string[], streams: Streams): Promise<number> {
  let passed = false
  const program = createProgram(streams, async (scenario, options) => {
    const report = await runScenario(scenario, options, streams)
    streams.stdout.write(`${renderTable(report)}\n`)
    // NaN, of what is unknown, becomes null.
    if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify(report, undefined, 2)}\n`)
    if (options.html !== undefined) {
      const { renderHtml } = await import('./report/html.ts')
      writeFileSync(options.html, renderHtml(report))
    }
    passed = report.passed
  })
  try {
    await program.parseAsync(args, { from: 'user' })
    return passed ? 0 : 1
  } catch (error) {
    if (streams.signal.aborted) return 130
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2
    if (!(error instanceof OperatorError)) throw error
    streams.stderr.write(`${error.message}\n${error.next}\n`)
    return 1
  }
}

async function runScenario(scenario: Scenario, options: RunOptions, streams: Streams): Promise<Report> {
  const { target, tenant, tokenFile } = options
  const given = settingNames.flatMap((name) => (options[name] === undefined ? [] : [[name, options[name]]]))
  const settings: Settings = Object.fromEntries(given)
  const tokens = tokenFile === undefined ? {} : { tokens: readTokenFile(tokenFile) }
  const folder = mkdtempSync(join(tmpdir(), 'load-'))
  const startedAt = new Date().toISOString()
  const harness = createHarness({ ...options, ...tokens }, folder, streams)
  try {
    const {
      measurements,
      figures = [],
      series = [],
      isSequence = false,
      ...findings
    } = await scenario.run(harness, settings)
    const rules = [ownershipRule(harness, target === undefined || tenant !== undefined), ...(findings.rules ?? [])]
    const [cpu] = cpus()
    return {
      scenario: scenario.name,
      description: scenario.description,
      startedAt,
      seconds: harness.now(),
      target: target ?? 'servers of this run, with an emulated tenant',
      settings,
      machine: `${cpus().length} × ${cpu?.model.trim() ?? 'unknown CPU'}, Node ${process.versions.node}, ${process.platform}`,
      measurements,
      figures,
      series,
      isSequence,
      rules,
      passed: rules.every(({ passed }) => passed),
    }
  } finally {
    await harness.close()
    rmSync(folder, { recursive: true, force: true })
  }
}

/** The rule of every scenario. Real tenants do not write into their responses who reads them. */
function ownershipRule({ totals: { calls, wrong, wrongReasons } }: Harness, namesReader: boolean): Rule {
  const owner = namesReader ? 'its call and its caller' : 'its call (to which caller, only an emulated tenant tells)'
  const first = wrongReasons[0] === undefined ? '' : `, the first ${wrongReasons[0]}`
  return {
    description: `every response belongs to ${owner}`,
    passed: wrong === 0 && calls > 0,
    observed: `${calls.toLocaleString('en-US')} calls, ${wrong.toLocaleString('en-US')} wrong responses${first}`,
  }
}
