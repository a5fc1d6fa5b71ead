/** Why a command line is not read. Thrown and caught within the gate only. */
export class Unreadable extends Error {}
