//! Names as they are common in East Africa, put together by chance: whoever bears one of them is not meant.

use crate::demo::dice::Dice;

const WOMEN: [&str; 40] = [
    "Achieng", "Adhiambo", "Aisha", "Akinyi", "Amina", "Anyango", "Atieno", "Awuor", "Chebet", "Chelagat", "Cherono",
    "Esther", "Fatuma", "Gathoni", "Jebet", "Jerop", "Kanini", "Kavata", "Khadija", "Mbithe", "Mercy", "Moraa", "Mueni",
    "Muthoni", "Mwende", "Nafula", "Nasimiyu", "Ndinda", "Nekesa", "Njeri", "Nyambura", "Nyokabi", "Rehema", "Ruth",
    "Syombua", "Wairimu", "Wambui", "Wangari", "Wanjiru", "Zawadi",
];

const MEN: [&str; 32] = [
    "Baraka", "Barasa", "Daudi", "Gitau", "Hamisi", "Ibrahim", "Juma", "Kamau", "Karanja", "Kibet", "Kimani", "Kioko",
    "Kipchumba", "Kiprono", "Kyalo", "Makau", "Mumo", "Musa", "Mutiso", "Mwangi", "Ngugi", "Njoroge", "Ochieng",
    "Odhiambo", "Okello", "Omar", "Omondi", "Onyango", "Salim", "Simiyu", "Wafula", "Wanyama",
];

const FAMILIES: [&str; 48] = [
    "Abdalla", "Auma", "Barasa", "Bett", "Cheruiyot", "Gichuru", "Githinji", "Kamau", "Kariuki", "Kerubo", "Kilonzo",
    "Kimeu", "Kiplagat", "Kirui", "Koech", "Lagat", "Macharia", "Maina", "Makokha", "Mbugua", "Mogaka", "Mulwa",
    "Munyao", "Muriuki", "Musyoka", "Mutua", "Mwangangi", "Mwangi", "Mwinyi", "Ndungu", "Ngari", "Nyaga", "Nyongesa",
    "Nzioka", "Ochola", "Odera", "Odongo", "Ogola", "Okoth", "Olando", "Ombati", "Opiyo", "Otieno", "Owino", "Rotich",
    "Said", "Wekesa", "Were",
];

const PURPOSES: [&str; 16] = [
    "Amani", "Bidii", "Faida", "Furaha", "Imani", "Jitegemee", "Juhudi", "Maendeleo", "Mwangaza", "Neema", "Tujenge",
    "Tumaini", "Tuungane", "Umoja", "Upendo", "Ushindi",
];

const FORMS: [&str; 8] = [
    "Women's Group", "Traders", "Farmers' Group", "Youth Group", "Boda Boda Riders", "Dairy Group", "Tailors",
    "Market Stalls",
];

/// A given name and a family name.
pub fn person(dice: &mut Dice, is_woman: bool) -> (&'static str, &'static str) {
    let given = if is_woman { dice.pick(&WOMEN) } else { dice.pick(&MEN) };
    (given, dice.pick(&FAMILIES))
}

pub fn organisation(dice: &mut Dice) -> String {
    let purpose = dice.pick(&PURPOSES);
    format!("{purpose} {}", dice.pick(&FORMS))
}
