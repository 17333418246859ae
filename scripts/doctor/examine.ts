import { OperatorError } from '../shared/operator-error.ts'
import type { Context } from './context.ts'
import { type Finding, failure, type Outcome, skipped } from './finding.ts'

/** One check. Its outcome is a function of what it fetched; a failure does not stop the checks that do not depend on it. */
export interface Check {
  readonly name: string
  /** Checks that this one depends on. */
  readonly needs?: readonly string[] | ((context: Context) => readonly string[])
  /** Why the check does not apply, if so. */
  readonly unless?: (context: Context) => string | undefined
  /** @throws {OperatorError} which is a failure like any other */
  run(context: Context): Promise<Outcome | readonly Outcome[]> | Outcome | readonly Outcome[]
}

/** Why a check of a deployment does not apply, if so. */
export function noDeployment({ deployment }: Context): string | undefined {
  return deployment === undefined ? 'no deployment; --url names one' : undefined
}

/** Longer than every deadline of a single request: ends a check that hangs. */
const checkDeadlineMs = 30_000

/**
 * Runs every check, in order, whatever the ones before it found.
 *
 * @param onFinding called with each finding as it is made
 */
export async function examine(
  checks: readonly Check[],
  context: Context,
  onFinding: (finding: Finding) => void,
): Promise<readonly Finding[]> {
  const findings: Finding[] = []
  const blocked = new Set<string>()
  for (const { name, needs = [], unless, run } of checks) {
    const blockedBy = (typeof needs === 'function' ? needs(context) : needs).find((needed) => blocked.has(needed))
    const why = blockedBy === undefined ? unless?.(context) : `Fix “${blockedBy}” first.`
    if (blockedBy !== undefined) blocked.add(name)
    const outcomes = why === undefined ? await outcomesOf(run, context) : [skipped(why)]
    if (outcomes.some(({ verdict }) => verdict === 'failure')) blocked.add(name)
    for (const outcome of outcomes) {
      const finding = { check: name, ...outcome, ...(blockedBy !== undefined && { blockedBy }) }
      findings.push(finding)
      onFinding(finding)
    }
  }
  return findings
}

async function outcomesOf(run: Check['run'], context: Context): Promise<readonly Outcome[]> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    const slow = new OperatorError(`No result within ${checkDeadlineMs / 1000} s.`, 'Retry; find out what is slow.')
    timer = setTimeout(() => reject(slow), checkDeadlineMs)
  })
  try {
    const outcomes = await Promise.race([run(context), late])
    return 'verdict' in outcomes ? [outcomes] : outcomes
  } catch (error) {
    if (error instanceof OperatorError) return [failure(error.message, error.next)]
    const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error)
    return [failure(`The check itself failed. ${text.slice(0, 300)}`, 'This is a bug of doctor: please report it.')]
  } finally {
    clearTimeout(timer)
  }
}
