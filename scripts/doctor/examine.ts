import { OperatorError } from '../shared/operator-error.ts'
import type { Context } from './context.ts'
import { type Finding, failure, type Opinion, skipped } from './finding.ts'

/** One thing to look at. Its judgement is a function of what it fetched; nothing that it finds stops the others. */
export interface Check {
  readonly name: string
  /** Checks whose failure leaves nothing for this one to judge. */
  readonly needs?: readonly string[] | ((context: Context) => readonly string[])
  /** Why there is nothing to judge here, if so. */
  readonly unless?: (context: Context) => string | undefined
  /** @throws {OperatorError} which is a failure like any other */
  run(context: Context): Promise<Opinion | readonly Opinion[]> | Opinion | readonly Opinion[]
}

/** Beyond every deadline of a single request: a check that does not end is found by this. */
const checkDeadlineMs = 30_000

/**
 * Makes every check, in order, whatever the ones before it found.
 *
 * @param tell hears of each finding when it is made
 */
export async function examine(
  checks: readonly Check[],
  context: Context,
  tell: (finding: Finding) => void,
): Promise<readonly Finding[]> {
  const findings: Finding[] = []
  const blocked = new Set<string>()
  for (const { name, needs = [], unless, run } of checks) {
    const before = (typeof needs === 'function' ? needs(context) : needs).find((needed) => blocked.has(needed))
    const why = before === undefined ? unless?.(context) : `“${before}” has to be mended first`
    if (before !== undefined) blocked.add(name)
    const opinions = why === undefined ? await judge(run, context) : [skipped(why)]
    if (opinions.some(({ verdict }) => verdict === 'failure')) blocked.add(name)
    for (const opinion of opinions) {
      const finding = { check: name, ...opinion, ...(before !== undefined && { waitsFor: before }) }
      findings.push(finding)
      tell(finding)
    }
  }
  return findings
}

async function judge(run: Check['run'], context: Context): Promise<readonly Opinion[]> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    const slow = new OperatorError(`No end within ${checkDeadlineMs / 1000} s.`, 'Try again; see what is slow there.')
    timer = setTimeout(() => reject(slow), checkDeadlineMs)
  })
  try {
    const opinions = await Promise.race([run(context), late])
    return 'verdict' in opinions ? [opinions] : opinions
  } catch (error) {
    if (error instanceof OperatorError) return [failure(error.message, error.next)]
    const said = error instanceof Error ? `${error.name}: ${error.message}` : String(error)
    return [
      failure(`The check itself broke off. ${said.slice(0, 300)}`, 'This is a fault of doctor: please report it.'),
    ]
  } finally {
    clearTimeout(timer)
  }
}
