/** A value as it was found, before anything is known about it. */
export interface RawValue {
  readonly name: string;
  readonly value: unknown;
  /** Where it stands, for messages. */
  readonly where: string;
  /** Whether it is a map, whose members stand in the list too. */
  readonly hasMembers?: boolean;
}
