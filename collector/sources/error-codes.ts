/** The codes of errors that servers themselves give. Any other comes from a script, and may be what it was given. */
const KNOWN = new Set(
  (
    'ASK BUSY BUSYGROUP BUSYKEY CLUSTERDOWN CROSSSLOT DENIED ERR EXECABORT INPROG INVALIDOBJ IOERR LOADING MASTERDOWN ' +
    'MISCONF MOVED NOADDR NOAUTH NOGOODSLAVE NOGROUP NOMASTERLINK NONEXT NOPERM NOPROTO NOQUORUM NOREPLICAS ' +
    'NOSCRIPT NOTBUSY NOTREADY OOM READONLY REDIRECT SYNTAX TRYAGAIN UNBLOCKED UNKILLABLE WRONGPASS WRONGTYPE'
  ).split(' '),
)
const LINE = /^errorstat_(.*?):count=(\d+)(\r?)$/

/** INFO with the errors of unknown codes summed up in one line, `errorstat_(other)`. */
export function withoutForeignErrors(text: string): string {
  let others = 0
  let end = ''
  const lines: string[] = []
  let insertAt = -1
  for (const line of text.split('\n')) {
    const [, code, count, carriage] = LINE.exec(line) ?? []
    if (code === undefined ? line.startsWith('errorstat_') : !KNOWN.has(code)) {
      if (insertAt < 0) insertAt = lines.length
      others += Number(count ?? 0)
      end = carriage ?? ''
    } else lines.push(line)
  }
  if (insertAt >= 0) lines.splice(insertAt, 0, `errorstat_(other):count=${others}${end}`)
  return lines.join('\n')
}
