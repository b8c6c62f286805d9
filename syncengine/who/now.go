package who

// NowOfNamed is SQL for the person that people "named" are now. Few people were ever
// merged: the others cost no call of person_now, which counts where thousands are claimed.
const NowOfNamed = `CASE WHEN named.merged_into IS NULL THEN named.id ELSE person_now(named.id) END`
