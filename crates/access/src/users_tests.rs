use super::*;

const HEAD: Uuid = Uuid::from_u128(1);
const BRANCH: Uuid = Uuid::from_u128(2);
const OTHER: Uuid = Uuid::from_u128(3);
const STAFF: Uuid = Uuid::from_u128(4);
const STAFF_ELSEWHERE: Uuid = Uuid::from_u128(5);
const USER: Uuid = Uuid::from_u128(10);
const ADMIN: Uuid = Uuid::from_u128(11);
const SCOPE: Scope = Scope { branch_id: BRANCH, officer_id: None };
const NOW: DateTime<Utc> = DateTime::UNIX_EPOCH;

fn known() -> Known {
    Known {
        branches: [(HEAD, vec![HEAD]), (BRANCH, vec![HEAD, BRANCH]), (OTHER, vec![HEAD, OTHER])].into(),
        staff: [(STAFF, vec![HEAD, BRANCH]), (STAFF_ELSEWHERE, vec![HEAD, OTHER])].into(),
        roles: ["teller".to_owned(), "loan_officer".to_owned()].into(),
    }
}

fn create() -> CreateUser {
    CreateUser {
        id: USER,
        username: "wanjiru".into(),
        password_hash: PasswordHash::of_stored("hash".into()),
        name: "Wanjiru Kamau".into(),
        roles: vec!["teller".into(), "loan_officer".into(), "teller".into()],
        branch_id: BRANCH,
        staff_id: Some(STAFF),
        own_portfolio: true,
    }
}

fn change() -> ChangeUser {
    ChangeUser {
        id: USER,
        seen_version: 1,
        name: None,
        active: None,
        roles: None,
        password_hash: None,
        branch_id: None,
        staff_id: None,
        own_portfolio: None,
        end_sessions: false,
    }
}

fn user() -> User {
    decide_create(&create(), &[], &known(), &SCOPE, NOW).unwrap()
}

#[test]
fn a_user_is_made_of_what_its_maker_sees() {
    assert_eq!(user().roles, ["loan_officer", "teller"]);
    let unknown = AccessError::RoleNotFound { index: 0, code: "king".into() };
    let cases = [
        (CreateUser { branch_id: HEAD, ..create() }, AccessError::BranchNotFound),
        (CreateUser { branch_id: USER, ..create() }, AccessError::BranchNotFound),
        (CreateUser { staff_id: Some(STAFF_ELSEWHERE), ..create() }, AccessError::StaffNotFound),
        (CreateUser { staff_id: None, ..create() }, AccessError::PortfolioWithoutStaff),
        (CreateUser { roles: vec!["king".into()], ..create() }, unknown),
        (CreateUser { id: ADMIN, ..create() }, AccessError::IdTaken(ADMIN)),
        (CreateUser { username: "admin".into(), ..create() }, AccessError::UsernameTaken),
    ];
    let taken = [(ADMIN, "admin".to_owned())];
    for (command, expected) in cases {
        assert_eq!(decide_create(&command, &taken, &known(), &SCOPE, NOW), Err(expected));
    }
}

#[test]
fn a_change_ends_the_sessions_where_it_must() {
    let ends = |command: &ChangeUser| {
        decide_change(command, &user(), &known(), ADMIN, &SCOPE, NOW).unwrap().sessions_from.is_some()
    };
    assert!(!ends(&change()));
    assert!(!ends(&ChangeUser { roles: Some(vec![]), ..change() }));
    assert!(ends(&ChangeUser { end_sessions: true, ..change() }));
    assert!(ends(&ChangeUser { active: Some(false), ..change() }));
    assert!(ends(&ChangeUser { password_hash: Some(PasswordHash::of_stored("new".into())), ..change() }));
}

#[test]
fn changes_that_are_refused() {
    let decided = |command: ChangeUser, by: Uuid| {
        decide_change(&command, &user(), &known(), by, &SCOPE, NOW).map(|changed| changed.user.version)
    };
    let roles = || ChangeUser { roles: Some(vec!["teller".into()]), ..change() };
    assert_eq!(decided(roles(), ADMIN), Ok(2));
    assert_eq!(decided(roles(), USER), Err(AccessError::OwnRoles));
    let same = vec!["teller".into(), "loan_officer".into()];
    assert_eq!(decided(ChangeUser { roles: Some(same), ..change() }, USER), Ok(2));
    let alone = || ChangeUser { staff_id: Some(None), ..change() };
    assert_eq!(decided(alone(), USER), Err(AccessError::OwnStaff));
    assert_eq!(decided(alone(), ADMIN), Err(AccessError::PortfolioWithoutStaff));
    assert_eq!(decided(ChangeUser { active: Some(false), ..change() }, USER), Err(AccessError::OwnUser));
    assert_eq!(decided(ChangeUser { branch_id: Some(OTHER), ..change() }, ADMIN), Err(AccessError::BranchNotFound));
    assert_eq!(decided(ChangeUser { seen_version: 2, ..change() }, ADMIN), Err(AccessError::Stale));
}

#[test]
fn a_user_whose_member_of_staff_has_left_can_be_disabled() {
    let known = Known { staff: HashMap::new(), ..known() };
    let disable = ChangeUser { active: Some(false), ..change() };
    assert!(!decide_change(&disable, &user(), &known, ADMIN, &SCOPE, NOW).unwrap().user.active);
}

#[test]
fn two_changes_of_one_batch_are_written_as_one() {
    let mut changes = HashMap::new();
    let hash = Some(PasswordHash::of_stored("new".into()));
    merge(&mut changes, ChangedUser { user: user(), password_hash: hash.clone(), sessions_from: Some(NOW) });
    let second = User { version: 2, ..user() };
    merge(&mut changes, ChangedUser { user: second.clone(), password_hash: None, sessions_from: None });
    let written = ChangedUser { user: second, password_hash: hash, sessions_from: Some(NOW) };
    assert_eq!(changes.into_values().collect::<Vec<_>>(), [written]);
}
