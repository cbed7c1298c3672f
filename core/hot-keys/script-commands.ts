/** Commands that run Lua: their keys are those declared, and what the script does inside is not seen apart. */
const SCRIPT_COMMANDS = new Set(['EVAL', 'EVALSHA', 'EVAL_RO', 'EVALSHA_RO', 'FCALL', 'FCALL_RO'])

/** @param command as HotKeySample.topCommand has it, in any case */
export function isScript(command: string | null): boolean {
  return command !== null && SCRIPT_COMMANDS.has(command.toUpperCase())
}
