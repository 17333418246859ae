import type { Report } from './report.ts'

/** A report for programs: all of it, as `Report` has it; what is not known is null. */
export function jsonText(report: Report): string {
  return `${JSON.stringify(report, undefined, 2)}\n`
}
