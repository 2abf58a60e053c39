/** Something in a membership's folder is not as it should be. */
export interface Finding {
  /** Path below the membership's folder; `.` is the folder itself. */
  readonly file: string;
  readonly what: string;
  /** What a repair would do about it, or has done. */
  readonly repair: string;
}
