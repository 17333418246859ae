import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Output } from '../scripts/shared/io.ts'
import { OperatorError } from '../scripts/shared/operator-error.ts'
import { type RunOptions, readOptions } from './options.ts'
import { createProgress } from './progress.ts'
import { htmlText } from './report/html.ts'
import { jsonText } from './report/json.ts'
import type { Report, Rule } from './report/report.ts'
import { tableText } from './report/table.ts'
import { findBundle } from './servers.ts'
import { createStage, type Stage } from './stage.ts'
import { readTokenFile } from './users.ts'

/**
 * Runs one command line.
 *
 * @param args what follows `npm run load --`
 * @returns the exit code: 0; 1 where an answer was wrong, a rule did not hold or the run could not be made; 2 where the
 *   command line is wrong; 130 after Ctrl-C
 */
export async function runLoad(
  args: readonly string[],
  io: { readonly stdout: Output; readonly stderr: Output; readonly signal: AbortSignal },
): Promise<number> {
  const options = readOptions(args, io)
  if (typeof options === 'number') return options
  const progress = createProgress(io.stderr)
  try {
    const report = await run(options, progress, io.signal)
    progress.end()
    io.stdout.write(`${tableText(report)}\n`)
    if (options.json !== undefined) writeFileSync(options.json, jsonText(report))
    if (options.html !== undefined) writeFileSync(options.html, htmlText(report))
    return report.passed ? 0 : 1
  } catch (error) {
    progress.end()
    if (io.signal.aborted) return 130
    if (!(error instanceof OperatorError)) throw error
    io.stderr.write(`${error.message}\n${error.next}\n`)
    return 1
  }
}

async function run(
  options: RunOptions,
  progress: ReturnType<typeof createProgress>,
  signal: AbortSignal,
): Promise<Report> {
  const { scenario, settings, target, tenant, tokenFile } = options
  const tokens = tokenFile === undefined ? undefined : readTokenFile(tokenFile)
  const bundle = target === undefined ? await findBundle(options.bundle) : undefined
  const place = {
    ...(target !== undefined && { target }),
    ...(tenant !== undefined && { tenant }),
    ...(bundle !== undefined && { bundle }),
    ...(tokens !== undefined && { tokens }),
  }
  const folder = mkdtempSync(join(tmpdir(), 'load-'))
  const startedAt = new Date().toISOString()
  const stage = createStage(place, { folder, progress, signal })
  try {
    const findings = await scenario.run(stage, settings)
    const canTellUsers = target === undefined || tenant !== undefined
    const rules = [ownersRule(stage.totals, canTellUsers), ...(findings.rules ?? [])]
    return {
      scenario: scenario.name,
      about: scenario.about,
      startedAt,
      seconds: stage.now(),
      target: target ?? 'servers of this run, with an emulated tenant',
      settings: settings as Record<string, number>,
      machine: machine(),
      measurements: findings.measurements,
      figures: findings.figures ?? [],
      series: findings.series ?? [],
      isSequence: findings.isSequence ?? false,
      rules,
      passed: rules.every(({ holds }) => holds),
    }
  } finally {
    await stage.close()
    rmSync(folder, { recursive: true, force: true })
  }
}

/** The rule of every scenario. Real tenants do not write into their answers who reads them. */
function ownersRule({ calls, wrong, wrongs }: Stage['totals'], canTellUsers: boolean): Rule {
  const whose = canTellUsers ? 'its call and its caller' : 'its call (of whose, only an emulated tenant tells)'
  const first = wrongs[0] === undefined ? '' : `, the first: ${wrongs[0]}`
  return {
    says: `every answer belongs to ${whose}`,
    holds: wrong === 0 && calls > 0,
    seen: `${calls.toLocaleString('en-US')} calls, ${wrong.toLocaleString('en-US')} wrong answers${first}`,
  }
}

function machine(): string {
  const processors = cpus()
  return `${processors.length} × ${processors[0]?.model.trim() ?? 'unknown processor'}, Node ${process.versions.node}, ${process.platform}`
}
