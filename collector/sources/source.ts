import type { NodeCommands } from '../connection/node-connection.ts'

/** One kind of reading: `read` asks the node, `parse` is pure and knows the reply's shape. */
export type Source<Raw, Parsed, Options = void> = {
  readonly name: string
  /** @throws NodeFailure */
  read(node: NodeCommands, options: Options): Promise<Raw>
  parse(raw: Raw): Parsed
}
